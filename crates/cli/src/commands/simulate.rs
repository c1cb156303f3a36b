//! `volley simulate`: an SMSC over TCP, until interrupted; then says what it saw.

use std::{fs, path::Path};

use tokio::signal::unix::{SignalKind, signal};
use volley_engine::simulator::{Account, Setup, Simulator, SimulatorOptions};

use crate::{
    args::SimulateArgs,
    failure::{Code, Failure},
    output::print,
};

pub(crate) fn simulate(args: &SimulateArgs) -> Result<Code, Failure> {
    let options = args.options.as_deref().map_or_else(|| Ok(SimulatorOptions::default()), read)?;
    let account = Account { name: "simulator".to_owned(), listen: args.listen, options };
    let setup = Setup { log: args.log.clone(), spool: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::io("can't start"))?;
    let seen = runtime.block_on(async {
        let failed = || Failure::io("can't watch for signals");
        let mut int = signal(SignalKind::interrupt()).map_err(failed())?;
        let mut term = signal(SignalKind::terminate()).map_err(failed())?;
        let simulator = Simulator::start(vec![account], setup).map_err(Failure::Simulator)?;
        if let Some(address) = simulator.addr(0) {
            say!("listening on {address}");
        }
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        Ok::<_, Failure>(simulator.stop())
    })?;
    print(&format!("{:#}\n", serde_json::json!(seen)))?;
    Ok(Code::Clean)
}

fn read(path: &Path) -> Result<SimulatorOptions, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::io(path.display().to_string()))?;
    SimulatorOptions::from_toml(&text, path).map_err(Failure::Simulator)
}

//! `volley listen`: receipts and replies while no campaign runs.

use serde_json::json;
use volley_engine::{CancellationToken, DataDir, Engine, Listened};

use super::run::tokio_util_spawn;
use crate::{
    args::ListenArgs,
    failure::{Code, Failure},
    interrupt,
    output::{grouped, print},
};

pub(crate) fn listen(data: &DataDir, args: &ListenArgs) -> Result<Code, Failure> {
    let engine = Engine::open(data)?;
    engine.notes.iter().for_each(|note| say!("note: {note}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::io("can't start"))?;
    let listened = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let watching = tokio_util_spawn(interrupt::watch(shutdown.clone()));
        let mut note = |note: String| say!("{note}");
        let listened = Box::pin(engine.listen(&args.carriers, &args.names, shutdown, &mut note)).await;
        watching.abort();
        listened
    })?;
    if args.json {
        print(&format!("{:#}\n", json!(listened)))?;
    } else {
        let Listened { receipts, replies, opt_outs, opt_ins } = listened;
        print(&format!(
            "{} receipts, {} replies: {} opted out, {} in again\n",
            grouped(receipts),
            grouped(replies),
            grouped(opt_outs),
            grouped(opt_ins)
        ))?;
    }
    Ok(Code::Clean)
}

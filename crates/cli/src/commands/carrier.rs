//! `volley carrier list|test|watch`.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
    thread,
};

use serde_json::{Value, json};
use volley_engine::{
    CarrierTest, DataDir, TestStep, Verdict,
    options::{CarrierOptions, Carriers},
};

use crate::{
    args::{CarrierCommand, CarrierList, CarrierTestArgs, CarrierWatch},
    carriers::live_table,
    failure::{Code, Failure},
    output::{print, text_at},
};

pub(crate) fn carrier(data: &DataDir, command: &CarrierCommand) -> Result<Code, Failure> {
    match command {
        CarrierCommand::List(args) => list(data, args),
        CarrierCommand::Test(args) => test(args),
        CarrierCommand::Watch(args) => watch(data, args),
    }
}

fn load(path: &Path) -> Result<Carriers, Failure> {
    Carriers::load(path).map_err(|error| Failure::from(volley_engine::Error::from(error)))
}

fn list(data: &DataDir, args: &CarrierList) -> Result<Code, Failure> {
    let carriers = load(&args.carriers)?;
    let running = volley_engine::running_carriers(data).unwrap_or_default();
    let live = |name: &str| running.as_array().into_iter().flatten().find(|it| text_at(it, "/carrier") == name);
    let known: Vec<Value> = carriers.iter().map(|(name, carrier)| known_json(name, carrier, live(name))).collect();
    if args.json {
        print(&format!("{:#}\n", Value::Array(known)))?;
        return Ok(Code::Clean);
    }
    print(&format!(
        "{:<16} {:<10} {:<16} {:<12} {:>5} {:>6} {:>10} {:<14} {:<24} {}\n",
        "carrier", "kind", "account", "bind type", "binds", "window", "rate", "TLS", "hosts", "now"
    ))?;
    for carrier in &known {
        let n = |pointer: &str| carrier.pointer(pointer).map(ToString::to_string).unwrap_or_default();
        print(&format!(
            "{:<16} {:<10} {:<16} {:<12} {:>5} {:>6} {:>10} {:<14} {:<24} {}\n",
            text_at(carrier, "/carrier"),
            text_at(carrier, "/kind"),
            text_at(carrier, "/account"),
            text_at(carrier, "/bind_type"),
            n("/binds"),
            n("/window"),
            carrier.pointer("/rate").and_then(Value::as_str).unwrap_or("–"),
            text_at(carrier, "/tls"),
            text_at(carrier, "/host_names"),
            now_in_words(carrier),
        ))?;
    }
    Ok(Code::Clean)
}

fn now_in_words(carrier: &Value) -> String {
    let alarm = carrier.pointer("/live/alarm").and_then(Value::as_str);
    match (carrier.get("live").filter(|live| live.is_object()), alarm) {
        (None, _) => "not running".to_owned(),
        (Some(_), Some(alarm)) => format!("ALARM: {alarm}"),
        (Some(live), None) => text_at(live, "/reach").to_owned(),
    }
}

fn known_json(name: &str, carrier: &CarrierOptions, live: Option<&Value>) -> Value {
    json!({
        "carrier": name,
        "kind": carrier.kind.name(),
        "account": carrier.system_id,
        "hosts": carrier.hosts,
        "host_names": carrier.hosts.join(", "),
        "bind_type": carrier.bind_type.name(),
        "binds": carrier.n_binds(),
        "window": carrier.window,
        "adaptive_window": carrier.adaptive_window,
        "rate": carrier.rate.map(|rate| rate.to_string()),
        "bind_rate": carrier.bind_rate.map(|rate| rate.to_string()),
        "tls": carrier.tls.in_words(),
        "live": live,
    })
}

fn test(args: &CarrierTestArgs) -> Result<Code, Failure> {
    let carriers = load(&args.carriers)?;
    if let Some(warning) = carriers.get(&args.name).ok().and_then(|carrier| carrier.tls.warning()) {
        say!("note: carrier {}: {warning}", args.name);
    }
    let test = CarrierTest {
        to: args.to.clone(),
        sender: args.sender.clone(),
        idle: args.idle,
        patience: args.patience,
        fields: args.fields.iter().cloned().collect(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::io("can't start"))?;
    let mut say = |step: &TestStep| {
        if !args.json {
            // A reader that has left is noticed at the end.
            let _ = print(&step_line(step));
        }
    };
    let verdict = runtime.block_on(Box::pin(test.run(&carriers, &args.name, &mut say)))?;
    if args.json {
        print(&format!("{:#}\n", verdict.json))?;
    }
    Ok(match (verdict.was_bound, verdict.passed()) {
        (false, _) => Code::Unreachable,
        (true, true) => Code::Clean,
        (true, false) => Code::Failures,
    })
}

pub(super) fn step_line(step: &TestStep) -> String {
    let verdict = match step.verdict {
        Verdict::Ok => "ok",
        Verdict::Failed => "FAILED",
        Verdict::Skipped => "skipped",
    };
    format!("{verdict:<8} {:<44}  {}\n", step.step, step.detail)
}

fn watch(data: &DataDir, args: &CarrierWatch) -> Result<Code, Failure> {
    let Some(mut carriers) = volley_engine::running_carriers(data) else {
        let message = format!("no campaign runs on {}", data.root().display());
        return Err(Failure::Usage {
            message,
            hint: Some("`volley carrier list` shows the file's carriers".to_owned()),
        });
    };
    if args.json {
        print(&format!("{carriers:#}\n"))?;
        return Ok(Code::Clean);
    }
    let is_terminal = io::stdout().is_terminal();
    loop {
        let clear = if is_terminal { "\x1b[H\x1b[2J" } else { "" };
        print(&format!("{clear}{}", live_table(&carriers)))?;
        thread::sleep(args.every);
        match volley_engine::running_carriers(data) {
            Some(now) => carriers = now,
            None => break,
        }
    }
    say!("the campaign came to an end: `volley status` has the numbers");
    Ok(Code::Clean)
}

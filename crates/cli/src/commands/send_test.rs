//! `volley send-test`: one message of a campaign, to a phone of one's own.

use serde_json::Value;
use volley_engine::{DataDir, Engine, SendTest, TestStep, carriers_file};

use super::{carrier::step_line, run::confirm};
use crate::{
    args::SendTestArgs,
    failure::{Code, Failure},
    output::{n_at, plain, print, text_at},
    progress::freeze_progress,
};

pub(crate) fn send_test(data: &DataDir, args: &SendTestArgs) -> Result<Code, Failure> {
    let test = SendTest {
        campaign_file: args.campaign.clone(),
        carriers_file: carriers_file(&args.campaign, args.carriers.as_deref()),
        to: args.to.clone(),
        carrier: args.carrier.clone(),
        line: args.row,
    };
    // Where nothing was ever run nobody is suppressed.
    if data.exists() || test.has_lists()? {
        test.check_suppression(&Engine::open(data)?)?;
    }
    let message = test.compose(&mut freeze_progress(args.no_progress))?;
    let json = message.json();
    if !args.json {
        print(&in_words(&json))?;
    }
    if args.dry_run {
        if args.json {
            print(&format!("{json:#}\n"))?;
        }
        say!("dry run: nothing was sent");
        return Ok(Code::Clean);
    }
    if message.leaves() && !args.yes && !confirm("send it?")? {
        say!("nothing was sent");
        return Ok(Code::Interrupted);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::io("can't start"))?;
    let mut say = |step: &TestStep| {
        if !args.json {
            // A reader that has left is noticed at the end.
            let _ = print(&step_line(step));
        }
    };
    let verdict = runtime.block_on(Box::pin(message.send(args.patience, &mut say)))?;
    if args.json {
        print(&format!("{:#}\n", verdict.json))?;
    }
    Ok(match (verdict.was_bound, verdict.passed()) {
        (false, _) => Code::Unreachable,
        (true, true) => Code::Clean,
        (true, false) => Code::Failures,
    })
}

fn in_words(json: &Value) -> String {
    let text = |pointer| plain(json.pointer(pointer).unwrap_or(&Value::Null));
    let variant = json.get("variant").and_then(Value::as_str);
    let variant = variant.map(|name| format!(", variant {name}")).unwrap_or_default();
    let parts = n_at(json, "/parts");
    format!(
        "{}, line {}{variant}, to {} through {}: {parts} part{} in {}, {} characters\n  {}\n",
        text_at(json, "/campaign"),
        n_at(json, "/line"),
        text("/to"),
        text("/carrier"),
        if parts == 1 { "" } else { "s" },
        text("/alphabet"),
        n_at(json, "/characters"),
        text("/text"),
    )
}

//! `volley help`, `completions`, `man`: all made from the arguments' own definitions, and topics
//! that show the files of `fixtures/`, which the tests run.

use std::{fs, io};

use clap::CommandFactory as _;

use crate::{
    args::{CompletionsArgs, HelpArgs, ManArgs, Volley},
    failure::{Code, Failure},
    output::print,
};

/// A topic: its words, and an example that lies in the repository.
struct Topic {
    name: &'static str,
    words: &'static str,
    example: &'static str,
}

/// A topic without an example.
const fn words(name: &'static str, words: &'static str) -> Topic {
    Topic { name, words, example: "" }
}

const TOPICS: [Topic; 10] = [
    Topic {
        name: "campaign",
        words: include_str!("../../manual/campaign.md"),
        example: include_str!("../../../../fixtures/spring-sale/campaign.toml"),
    },
    Topic {
        name: "carriers",
        words: include_str!("../../manual/carriers.md"),
        example: include_str!("../../../../fixtures/carrier-profile/carriers.toml"),
    },
    words("schedule", include_str!("../../manual/schedule.md")),
    Topic {
        name: "text",
        words: include_str!("../../manual/text.md"),
        example: include_str!("../../../../fixtures/variants/campaign.toml"),
    },
    words("contract", include_str!("../../manual/contract.md")),
    words("receipts", include_str!("../../manual/receipts.md")),
    Topic {
        name: "simulator",
        words: include_str!("../../manual/simulator.md"),
        example: include_str!("../../../../fixtures/simulator.toml"),
    },
    words("errors", include_str!("../../manual/errors.md")),
    words("exit-codes", include_str!("../../manual/exit-codes.md")),
    words("recipes", include_str!("../../manual/recipes.md")),
];

pub(crate) fn help(args: &HelpArgs) -> Result<Code, Failure> {
    if let [name] = args.what.as_slice()
        && let Some(topic) = TOPICS.iter().find(|topic| topic.name == name)
    {
        print(topic.words)?;
        if !topic.example.is_empty() {
            print(&format!("\n```toml\n{}```\n", topic.example))?;
        }
        return Ok(Code::Clean);
    }
    let mut command = Volley::command();
    command.build();
    for name in &args.what {
        let Some(found) = command.find_subcommand(name) else { return Err(unknown(&command, name)) };
        command = found.clone();
    }
    print(&command.render_long_help().to_string())?;
    if args.what.is_empty() {
        print(&format!("\nTopics of `volley help`: {}\n", topics()))?;
    }
    Ok(Code::Clean)
}

fn topics() -> String {
    TOPICS.map(|topic| topic.name).join(", ")
}

fn unknown(command: &clap::Command, name: &str) -> Failure {
    let commands = command.get_subcommands().map(clap::Command::get_name);
    let all: Vec<_> = commands.chain(TOPICS.iter().map(|topic| topic.name)).collect();
    let near = all.iter().max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
    let near = near.filter(|near| strsim::jaro(near, name) > 0.7);
    Failure::Usage {
        message: format!("no command and no topic `{name}`"),
        hint: Some(match near {
            Some(near) => format!("`{near}` was meant?"),
            None => format!("topics are {}; `volley --help` lists the commands", topics()),
        }),
    }
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Code, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Volley::command(), "volley", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Code::Clean)
}

pub(crate) fn man(args: &ManArgs) -> Result<Code, Failure> {
    let mut command = Volley::command();
    command.build();
    let Some(dir) = &args.dir else {
        print(&String::from_utf8_lossy(&page(command).map_err(Failure::io("can't write the page"))?))?;
        return Ok(Code::Clean);
    };
    let failed = || Failure::io(format!("can't write {}", dir.display()));
    fs::create_dir_all(dir).map_err(failed())?;
    let mut waiting = vec![command];
    let mut n_pages = 0;
    while let Some(command) = waiting.pop() {
        waiting.extend(command.get_subcommands().cloned());
        // `build` gives subcommands their whole name, such as `volley-suppress-import`.
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let path = dir.join(format!("{name}.1"));
        page(command).and_then(|page| fs::write(path, page)).map_err(failed())?;
        n_pages += 1;
    }
    say!("wrote {n_pages} pages into {}", dir.display());
    Ok(Code::Clean)
}

fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    clap_mangen::Man::new(command).render(&mut out)?;
    Ok(out)
}

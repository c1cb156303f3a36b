//! stderr as a terminal: lines that stay, and below them a view that is drawn anew.
//!
//! Everything that this process says for people goes through here, so that no line is drawn over.
//! A terminal that is gone, or a full disk behind it, stops nothing.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Lines of the view that stand on the terminal now.
static DRAWN: Mutex<usize> = Mutex::new(0);
/// Without a terminal that tells.
const WIDTH: usize = 80;

fn drawn() -> MutexGuard<'static, usize> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What removes `n_lines` that end with the cursor below them.
fn erasing(n_lines: usize) -> String {
    if n_lines == 0 { String::new() } else { format!("\x1b[{n_lines}A\r\x1b[J") }
}

/// Writes for people, in place of the view, which comes again when it is drawn next.
pub(crate) fn write(words: fmt::Arguments<'_>) {
    let mut drawn = drawn();
    let _ = write!(io::stderr(), "{}{words}", erasing(*drawn));
    *drawn = 0;
}

/// Draws the view in place of the one before; no line holds a line break.
pub(crate) fn draw(lines: &[String]) {
    let mut drawn = drawn();
    let mut out = erasing(*drawn);
    // What is higher than the terminal could not be erased again.
    let lines = lines.get(..height().saturating_sub(1)).unwrap_or(lines);
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
    // In one write: a view that is half drawn flickers.
    let _ = io::stderr().write_all(out.as_bytes());
    *drawn = lines.len();
}

/// Columns of the terminal.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(WIDTH, |(width, _)| usize::from(width.0))
}

fn height() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(usize::MAX, |(_, height)| usize::from(height.0))
}

/// Whether a view can be drawn.
pub(crate) fn can_draw() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether colours are wanted (<https://no-color.org>).
pub(crate) fn is_coloured() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Where the log is written.
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        write(format_args!("{}", String::from_utf8_lossy(octets)));
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

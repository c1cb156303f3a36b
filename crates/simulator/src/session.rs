//! One connection: reads what has come, lets the world act on it, writes once per turn.

use std::{cell::RefCell, io, rc::Rc};

use tokio::{
    net::TcpStream,
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    options::SlowReading,
    world::{End, World},
};

/// Octets read in one turn.
const READ_TURN: usize = 256 << 10;

/// One connection, until it ends.
pub(crate) async fn run(world: Rc<RefCell<World>>, account: usize, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let wake = Rc::new(Notify::new());
    let session = world.borrow_mut().open_session(account, Rc::clone(&wake));
    let slow = world.borrow().slow_reading(account);
    let ended = Turns { world: &world, account, session, stream: &stream, wake: &wake, slow }.run().await;
    world.borrow_mut().close_session(account, session);
    match ended {
        Ok(End::Reset) => drop(stream.set_zero_linger()),
        // Open as long as the simulator lives, and nobody there.
        Ok(End::HalfOpen) => std::future::pending().await,
        Ok(End::Closed | End::Cut) | Err(_) => {}
    }
}

struct Turns<'a> {
    world: &'a RefCell<World>,
    account: usize,
    session: usize,
    stream: &'a TcpStream,
    wake: &'a Notify,
    slow: Option<SlowReading>,
}

impl Turns<'_> {
    async fn run(&self) -> io::Result<End> {
        let (mut input, mut output) = (Vec::new(), Vec::new());
        let mut n_written = 0;
        let mut read_from = None;
        loop {
            if !input.is_empty() {
                let n_read = self.world.borrow_mut().read(self.account, self.session, &input);
                let Some(n_read) = n_read else { return Ok(End::Closed) };
                input.drain(..n_read);
            }
            let end = self.take_output(&mut output, &mut n_written);
            if matches!(end, None | Some(End::Closed | End::Cut)) {
                self.write(&output, &mut n_written)?;
            }
            if let Some(end) = end {
                return Ok(end);
            }
            tokio::select! {
                ready = self.stream.readable(), if read_from.is_none() => ready?,
                ready = self.stream.writable(), if n_written < output.len() => ready?,
                () = self.wake.notified() => continue,
                () = sleep_until(read_from.unwrap_or_else(Instant::now)), if read_from.is_some() => {
                    read_from = None;
                    continue;
                }
            }
            match self.slow {
                None => {
                    if read_all(self.stream, &mut input)? == Peer::Gone {
                        return Ok(End::Closed);
                    }
                }
                Some(slow) if read_from.is_none() => {
                    if read_some(self.stream, &mut input, slow.octets.get())? == Peer::Gone {
                        return Ok(End::Closed);
                    }
                    self.world.borrow_mut().read_slowly();
                    read_from = Some(Instant::now() + slow.every);
                }
                Some(_) => {}
            }
        }
    }

    /// Takes what the world wants written, and says whether it ends the session.
    fn take_output(&self, output: &mut Vec<u8>, n_written: &mut usize) -> Option<End> {
        let mut world = self.world.borrow_mut();
        let slot = world.slot(self.account, self.session)?;
        if slot.is_silent {
            // What was held back is lost with the session.
        } else if *n_written == output.len() {
            output.clear();
            *n_written = 0;
            std::mem::swap(output, &mut slot.output);
        } else {
            output.append(&mut slot.output);
        }
        slot.end
    }

    /// Writes as much as the connection takes now.
    fn write(&self, output: &[u8], n_written: &mut usize) -> io::Result<()> {
        while let Some(rest) = output.get(*n_written..).filter(|rest| !rest.is_empty()) {
            match self.stream.try_write(rest) {
                Ok(n) => *n_written += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether there is more to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    There,
    Gone,
}

/// Reads what has come, up to a turn.
fn read_all(stream: &TcpStream, input: &mut Vec<u8>) -> io::Result<Peer> {
    while input.len() < READ_TURN {
        input.reserve(READ_TURN / 4);
        match stream.try_read_buf(input) {
            Ok(0) => return Ok(Peer::Gone),
            Ok(_) if input.len() < input.capacity() => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(Peer::There)
}

/// Reads `n_octets` at most.
fn read_some(stream: &TcpStream, input: &mut Vec<u8>, n_octets: usize) -> io::Result<Peer> {
    let before = input.len();
    input.resize(before + n_octets, 0);
    let read = stream.try_read(input.get_mut(before..).unwrap_or_default());
    input.truncate(before + read.as_ref().copied().unwrap_or(0));
    match read {
        Ok(0) => Ok(Peer::Gone),
        Ok(_) => Ok(Peer::There),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Peer::There),
        Err(error) => Err(error),
    }
}

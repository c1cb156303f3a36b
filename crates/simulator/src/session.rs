//! One connection: reads what has come, lets the world act on it, writes once per turn.

use std::{cell::RefCell, io, rc::Rc};

use tokio::{net::TcpStream, sync::Notify};

use crate::world::World;

/// Octets read in one turn.
const READ_TURN: usize = 256 << 10;

/// One connection, until it ends.
pub(crate) async fn run(world: Rc<RefCell<World>>, account: usize, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let wake = Rc::new(Notify::new());
    let session = world.borrow_mut().open_session(account, Rc::clone(&wake));
    let _ended = turns(&world, account, session, &stream, &wake).await;
    world.borrow_mut().close_session(account, session);
}

async fn turns(
    world: &Rc<RefCell<World>>,
    account: usize,
    session: usize,
    stream: &TcpStream,
    wake: &Notify,
) -> io::Result<()> {
    let mut input = Vec::new();
    let mut output = Vec::new();
    let mut n_written = 0;
    loop {
        if !input.is_empty() {
            let n_read = world.borrow_mut().read(account, session, &input);
            let Some(n_read) = n_read else { return Ok(()) };
            input.drain(..n_read);
        }
        let mut cut = false;
        if let Some(slot) = world.borrow_mut().slot(account, session) {
            cut = slot.cut;
            if n_written == output.len() {
                output.clear();
                n_written = 0;
                std::mem::swap(&mut output, &mut slot.output);
            } else {
                output.append(&mut slot.output);
            }
        }
        while let Some(rest) = output.get(n_written..).filter(|rest| !rest.is_empty()) {
            match stream.try_write(rest) {
                Ok(n) => n_written += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if cut {
            return Ok(());
        }
        tokio::select! {
            ready = stream.readable() => ready?,
            ready = stream.writable(), if n_written < output.len() => ready?,
            () = wake.notified() => continue,
        }
        while input.len() < READ_TURN {
            input.reserve(READ_TURN / 4);
            match stream.try_read_buf(&mut input) {
                Ok(0) => return Ok(()),
                Ok(_) if input.len() < input.capacity() => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
}

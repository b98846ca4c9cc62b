//! What the command line asks of a sandbox that runs: copies of what is stored.
//!
//! A sandbox with a data folder listens at a socket in it, which only the folder's owner can reach. A request is one word and
//! its argument, ended by closing that direction; the answer is a line.

use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::store::{self, Backups, StoreError};

/// The socket in the data folder.
const SOCKET: &str = "control";
/// The longest request.
const MAX_REQUEST: u64 = 64 << 10;
/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a request for a copy begins with; the path of the file follows.
const BACKUP: &[u8] = b"backup ";
/// The answer to a request that is done. Any other is what went wrong.
const DONE: &str = "done";

/// Listens in the data folder, for as long as the tasks are there. Where that is not possible, there are no copies while the
/// sandbox runs.
pub(crate) fn listen(folder: &Path, backups: Backups, tasks: &mut JoinSet<()>) {
    let socket = folder.join(SOCKET);
    // That of a sandbox that was killed: this one has the folder for itself.
    let _ = std::fs::remove_file(&socket);
    match UnixListener::bind(&socket) {
        Ok(listener) => {
            tasks.spawn(run(listener, backups));
        }
        Err(error) => warn!(%error, "there can be no copies while this sandbox runs"),
    }
}

async fn run(listener: UnixListener, backups: Backups) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let mut request = Vec::new();
        let mut limited = (&mut stream).take(MAX_REQUEST);
        let read = timeout(PATIENCE, limited.read_to_end(&mut request)).await;
        if !matches!(read, Ok(Ok(_))) {
            continue;
        }
        let answer = answer(&backups, &request).await;
        // Whoever asked may be gone.
        let _ = timeout(PATIENCE, stream.write_all(answer.as_bytes())).await;
    }
}

async fn answer(backups: &Backups, request: &[u8]) -> String {
    let Some(path) = request.strip_prefix(BACKUP) else {
        return "this is no request that the sandbox knows".to_owned();
    };
    let file = PathBuf::from(std::ffi::OsStr::from_bytes(path));
    let backups = backups.clone();
    let copying = file.clone();
    match tokio::task::spawn_blocking(move || backups.write(&copying)).await {
        Ok(Ok(())) => {
            info!(file = %file.display(), "a copy is made");
            DONE.to_owned()
        }
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The sandbox that runs could not make it.
    #[error("the sandbox cannot make the copy: {0}")]
    Refused(String),
    /// The sandbox that runs does not answer.
    #[error("the sandbox does not answer: {0}")]
    Silent(#[from] io::Error),
    /// No sandbox runs, and the copy failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Copies what is stored in a data folder into a new file: by the sandbox that uses the folder, if one does.
///
/// # Errors
/// If there is no database, there is such a file already, or it cannot be written.
pub fn backup(folder: &Path, file: &Path) -> Result<(), BackupError> {
    let file = std::path::absolute(file)?;
    let Ok(mut stream) = UnixStream::connect(folder.join(SOCKET)) else {
        return Ok(store::backup_of_folder(folder, &file)?);
    };
    stream.write_all(&[BACKUP, file.as_os_str().as_bytes()].concat())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.as_str() {
        DONE => Ok(()),
        "" => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        _ => Err(BackupError::Refused(answer)),
    }
}

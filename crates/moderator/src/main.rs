//! The moderator without a window.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use effusion_chat::RoomName;
use effusion_chat::moderation::{Deed, LogEntry, Rules, service_script};
use effusion_client::{ConnectOptions, Json, Renew, ServiceAddress, Session, SessionLockScope};
use effusion_moderator::{DUTY, Desk, Happening, Inbox, Report};
use futures_util::StreamExt as _;
use tokio::time::{interval, timeout};

/// Moderates the rooms of a chat on a Diffusion service: hides words, warns, mutes, removes and locks, by rules that
/// are stored in the service itself, and undoes it when its time is over or on request.
#[derive(Parser)]
#[command(version, about)]
struct Args {
    /// The service's host.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The service's port.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Connects by TLS.
    #[arg(long)]
    secure: bool,
    /// The account to moderate with. It needs the rights to edit events, to change both stores and to change sessions: on the
    /// sandbox, `admin` has them.
    #[arg(long, default_value = "admin")]
    principal: String,
    /// A file with the account's password in its first line. Without it the environment's EFFUSION_MODERATOR_PASSWORD is used.
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// What to do; to keep watch, if nothing is said.
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Moderates until it is stopped.
    Watch,
    /// Shows the rules as JSON, or replaces them by those of a file.
    Rules {
        /// A file with rules as this command shows them. What is left out has its default.
        file: Option<PathBuf>,
    },
    /// Shows the script that makes the service's security store ready for the chat, or has the service run it: who may mend
    /// messages, that inboxes are read by their owners alone, that rules and log are the moderators'. The sandbox starts so.
    Setup {
        /// Has the service run it.
        #[arg(long)]
        apply: bool,
        /// The roles that may write in rooms.
        #[arg(long, default_value = "TOPIC_CONTROL", value_delimiter = ',')]
        writers: Vec<String>,
        /// The roles that may moderate.
        #[arg(long, default_value = "ADMINISTRATOR", value_delimiter = ',')]
        moderators: Vec<String>,
    },
    /// Shows what moderators have done, and the numbers to undo it by.
    Log,
    /// Undoes what the log has at this number.
    Undo {
        /// The number.
        number: u64,
    },
    /// Withdraws the right to write in a room.
    Mute(Withdraw),
    /// Withdraws the rights to write and to read in a room.
    Remove(Withdraw),
    /// Takes all roles from an account, and closes its sessions.
    Lock {
        /// The account.
        principal: String,
        /// Why, for the log.
        #[arg(long, default_value = "")]
        why: String,
    },
}

#[derive(Parser)]
struct Withdraw {
    /// The account.
    principal: String,
    /// The room.
    room: String,
    /// For how many minutes; without it, until it is undone.
    #[arg(long)]
    minutes: Option<u32>,
    /// Why, for the log.
    #[arg(long, default_value = "")]
    why: String,
}

/// How long to wait for the next of the events that the service has stored.
const QUIET: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("effusion-moderator: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("effusion-moderator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<()> {
    if let Some(Task::Setup {
        apply,
        writers,
        moderators,
    }) = &args.command
    {
        return set_up(&args, *apply, writers, moderators).await;
    }
    let session = connect(&args).await?;
    let (mut desk, mut inbox) = Desk::open(session.clone(), &args.principal, now()).await?;
    // What the service has from before comes first.
    while let Ok(Some(happening)) = timeout(QUIET, inbox.next()).await {
        let past = matches!(
            happening,
            Happening::Logged { .. } | Happening::LogRestarted | Happening::Rules(_)
        );
        let watching = matches!(args.command, None | Some(Task::Watch));
        if past || watching {
            let reports = desk.take(happening, now()).await;
            if watching {
                show(&reports);
            }
        } else if let Happening::Event { .. } = happening {
            // Recorded, but not judged: another moderator is on duty, or none is.
            desk.remember(happening);
        }
    }
    let until = |minutes: Option<u32>| minutes.map(|m| now() + i64::from(m) * 60_000);
    let done = match args.command {
        Some(Task::Setup { .. }) => None,
        None | Some(Task::Watch) => {
            keep_watch(&session, &mut desk, &mut inbox).await?;
            None
        }
        Some(Task::Rules { file: None }) => {
            println!("{}", pretty(&desk.rules().to_json())?);
            None
        }
        Some(Task::Rules { file: Some(file) }) => {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let json = Json::from_text(&text)
                .with_context(|| format!("{} is not JSON", file.display()))?;
            let rules = Rules::from_json(&json).with_context(|| {
                format!("{} does not contain an object of rules", file.display())
            })?;
            desk.publish(rules).await?;
            println!("the rules are applied");
            None
        }
        Some(Task::Log) => {
            for (number, entry) in desk.ledger().entries() {
                let undone = desk.ledger().is_undone(number);
                println!("{}", line(number, entry, undone));
            }
            None
        }
        Some(Task::Undo { number }) => Some(desk.undo(number, "undone by hand").await?),
        Some(Task::Mute(what)) => {
            let room = Some(room(&what.room)?);
            let until = until(what.minutes);
            let done = desk.withdraw(Deed::Muted, &what.principal, room, until, &what.why);
            Some(done.await?)
        }
        Some(Task::Remove(what)) => {
            let room = Some(room(&what.room)?);
            let until = until(what.minutes);
            let done = desk.withdraw(Deed::Removed, &what.principal, room, until, &what.why);
            Some(done.await?)
        }
        Some(Task::Lock { principal, why }) => {
            let done = desk.withdraw(Deed::Locked, &principal, None, None, &why);
            Some(done.await?)
        }
    };
    if let Some((number, entry)) = done {
        println!("{}", line(number, &entry, false));
    }
    session.close().await;
    Ok(())
}

async fn set_up(args: &Args, apply: bool, writers: &[String], moderators: &[String]) -> Result<()> {
    let script = service_script(
        &writers.iter().map(String::as_str).collect::<Vec<_>>(),
        &moderators.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    println!("{script}");
    if apply {
        let session = connect(args).await?;
        session
            .security()
            .update_security_store(&script)
            .await
            .context("the service refused the script")?;
        println!("the service has applied the script");
        session.close().await;
    }
    Ok(())
}

async fn connect(args: &Args) -> Result<Session> {
    let password = match &args.password_file {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        None => std::env::var("EFFUSION_MODERATOR_PASSWORD").context(
            "pass the account's password by --password-file or in the environment variable EFFUSION_MODERATOR_PASSWORD",
        )?,
    };
    let options = ConnectOptions::new()
        .principal(&args.principal)
        .password(&password)
        .renew(Renew::WhenLost);
    let address = ServiceAddress::new(&args.host)
        .port(args.port)
        .secure(args.secure);
    options
        .connect(address)
        .await
        .with_context(|| format!("cannot sign in at {}:{}", args.host, args.port))
}

async fn keep_watch(session: &Session, desk: &mut Desk, inbox: &mut Inbox) -> Result<()> {
    let mut clock = interval(Duration::from_secs(2));
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    // One moderator acts at a time; the next one waits for the lock, and so for the end of the one before.
    let mut duty = std::pin::pin!(session.lock(DUTY, SessionLockScope::UnlockOnSessionLoss));
    let mut lock = None;
    println!("waiting until no other moderator is on duty; press Ctrl-C to stop");
    loop {
        tokio::select! {
            stopped = &mut stop => return stopped.context("cannot listen for signals"),
            held = &mut duty, if lock.is_none() => {
                lock = Some(held.context("cannot acquire the moderator's lock")?);
                println!("moderating");
                show(&desk.begin_duty().await);
            }
            _ = clock.tick() => {
                if lock.as_ref().is_some_and(|lock| !lock.is_owned()) {
                    bail!("the moderator's lock was lost: another moderator may hold it");
                }
                show(&desk.tick(now()).await);
            }
            happening = inbox.next() => match happening {
                None | Some(Happening::Closed) => bail!("the service has closed the session"),
                Some(happening) => show(&desk.take(happening, now()).await),
            },
        }
    }
}

fn show(reports: &[Report]) {
    for report in reports {
        match report {
            Report::Flagged {
                room,
                principal,
                found,
                ..
            } => println!("flagged   {room}: {} by {principal:?}", found.join(", ")),
            Report::Done(number, entry) => println!("{}", line(*number, entry, false)),
            Report::NotDone(failure) => eprintln!("not done  {failure}"),
            Report::Rules(rules) => println!(
                "rules     {} words, {} patterns",
                rules.words.len(),
                rules.patterns.len()
            ),
        }
    }
}

/// One line for an entry of the log. The hidden text is not shown: it does not belong in a terminal.
fn line(number: u64, entry: &LogEntry, undone: bool) -> String {
    let mut line = format!("{:<9} #{number}", entry.deed.word());
    if !entry.principal.is_empty() {
        line += &format!(" {:?}", entry.principal);
    }
    if let Some(room) = &entry.room {
        line += &format!(" in {:?}", room.as_str());
    }
    if let Some(of) = entry.of {
        line += &format!(" of #{of}");
    }
    if !entry.why.is_empty() {
        line += &format!(": {:?}", entry.why);
    }
    if undone {
        line += " (undone)";
    }
    line
}

fn room(name: &str) -> Result<RoomName> {
    match RoomName::parse(name) {
        Ok(room) => Ok(room),
        Err(error) => bail!("{name:?} is not a valid room name: {error:?}"),
    }
}

fn pretty(json: &Json) -> Result<String> {
    Ok(serde_json::to_string_pretty(&json.to_tree()?)?)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

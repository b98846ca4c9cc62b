//! Load: the sandbox beside Socket.IO, mosquitto and a bare fan-out, all with the same sessions, rooms and messages, one
//! after the other in the same run.

mod bare;
mod dialect;
mod histogram;
mod service;
mod swarm;
mod websocket;

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use effusion_client::{ConnectOptions, ServiceAddress, TopicSpecification, TopicType, property};
use tokio::task::LocalSet;
use tokio::time::sleep;

use dialect::{Dialect, room_path};
use histogram::Histogram;
use service::{Recipe, Service, usage};
use swarm::{Measured, Size, Swarm};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sandbox's program
    #[arg(long, value_name = "PROGRAM")]
    sandbox: PathBuf,

    /// The folder with the Socket.IO server's script, and the one with its node_modules
    #[arg(long, num_args = 2, value_names = ["SCRIPT", "MODULES"])]
    socket_io: Option<Vec<PathBuf>>,

    /// mosquitto's program
    #[arg(long, value_name = "PROGRAM")]
    mosquitto: Option<PathBuf>,

    /// Sessions that receive
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=15_000))]
    sessions: u32,

    /// Rooms that they are in; in each, one of them speaks
    #[arg(long, value_name = "R", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rooms: u32,

    /// Messages a second, over all rooms
    #[arg(long, value_name = "M", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,

    /// Seconds of each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,

    /// Sessions that only wait, to see what one of them takes; 0 leaves that out
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(..=15_000))]
    idle: u32,

    /// Characters in a message
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(20..=10_000))]
    length: u32,

    /// Only the services whose names contain this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// Messages of one room that may be on their way when as much is sent as possible.
const WINDOW: usize = 32;

/// What came of one service.
#[derive(Debug, Default)]
struct Row {
    name: &'static str,
    /// As much as possible.
    most: Measured,
    most_processor: f64,
    most_driver: f64,
    /// At the rate asked for.
    steady: Measured,
    steady_processor: f64,
    /// Bytes with all idle sessions, and without any.
    idle: Option<(u64, u64)>,
}

/// Serves a bare fan-out until it is killed.
pub fn bare() -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(bare::serve())?;
    Ok(true)
}

/// Measures all services and prints a table.
pub fn run(args: &Args) -> Result<bool> {
    // A connection is an open file here, and in the services, which inherit the limit.
    rlimit::increase_nofile_limit(u64::MAX).context("the number of open files stays limited")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    let (mut rows, mut all_measured) = (Vec::new(), true);
    for recipe in recipes(args, folder.path())? {
        if args
            .only
            .as_ref()
            .is_some_and(|only| !recipe.name.contains(only.as_str()))
        {
            continue;
        }
        let local = LocalSet::new();
        match local.block_on(&runtime, measure(&recipe, args)) {
            Ok(row) => rows.push(row),
            Err(error) => {
                eprintln!("{} was not measured: {error:#}", recipe.name);
                all_measured = false;
            }
        }
    }
    print!("{}", table(&rows, args));
    // Whom the others disconnect because they read too slowly is in the table, and no fault of ours.
    let sandboxes = rows.iter().filter(|row| row.name.starts_with("Effusion"));
    Ok(all_measured && sandboxes.map(|row| row.most.ended).sum::<usize>() == 0)
}

fn recipes(args: &Args, folder: &Path) -> Result<Vec<Recipe>> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let sandbox = |name, storage: &[String]| Recipe {
        name,
        dialect: Dialect::Diffusion,
        program: args.sandbox.clone(),
        arguments: [
            &["--listen", "127.0.0.1:0", "--log", "warn"].map(str::to_owned)[..],
            &["--max-connections-per-address", "20000"].map(str::to_owned)[..],
            storage,
        ]
        .concat(),
        address: None,
    };
    let mut recipes = vec![
        sandbox("Effusion, in memory", &["--memory".to_owned()]),
        sandbox(
            "Effusion, on disk",
            &["--data".to_owned(), text(&folder.join("data"))],
        ),
    ];
    if let Some([script, modules]) = args.socket_io.as_deref() {
        recipes.push(Recipe {
            name: "Socket.IO",
            dialect: Dialect::SocketIo,
            program: "node".into(),
            arguments: vec![text(script), text(modules)],
            address: None,
        });
    }
    if let Some(program) = &args.mosquitto {
        let address = free_address()?;
        let file = folder.join("mosquitto.conf");
        let configuration = format!(
            // IPv4, because it would listen everywhere otherwise; and a socket file, because it ends if it has nothing but
            // WebSocket to listen to.
            "listener {} 127.0.0.1\nsocket_domain ipv4\nprotocol websockets\nlistener 0 {}\nallow_anonymous true\n\
             persistence false\nset_tcp_nodelay true\nmax_queued_messages 10000\nlog_type error\nlog_dest stderr\n{}",
            address.port(),
            text(&folder.join("mosquitto.sock")),
            // Started by root, it would become another user, who may not read the file.
            if is_root() { "user root\n" } else { "" }
        );
        std::fs::write(&file, configuration)?;
        recipes.push(Recipe {
            name: "mosquitto",
            dialect: Dialect::Mqtt,
            program: program.clone(),
            arguments: vec!["-c".to_owned(), text(&file)],
            address: Some(address),
        });
    }
    recipes.push(Recipe {
        name: "bare fan-out",
        dialect: Dialect::Bare,
        program: std::env::current_exe()?,
        arguments: vec!["bare".to_owned()],
        address: None,
    });
    Ok(recipes)
}

/// Whether this process may do everything: its files belong to user 0.
fn is_root() -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
    }
    #[cfg(not(unix))]
    false
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn measure(recipe: &Recipe, args: &Args) -> Result<Row> {
    eprintln!("measuring {}", recipe.name);
    let length = Duration::from_secs(args.seconds.into());
    let size = Size {
        sessions: args.sessions as usize,
        rooms: (args.rooms as usize).min(args.sessions as usize),
        length: args.length as usize,
    };
    let mut row = Row {
        name: recipe.name,
        ..Row::default()
    };

    let service = recipe.start().await?;
    prepare(recipe, &service, size.rooms).await?;
    let swarm = Swarm::open(recipe.dialect, service.address, size).await?;
    let before = service.usage();
    row.steady = swarm.at_rate(args.rate.into(), length).await?;
    // With the quarter before the measurement, and the half second after it.
    let took = |seconds: f64| seconds / (1.25 * length.as_secs_f64() + 0.5) * 100.0;
    row.steady_processor = took(service.usage().processor - before.processor);
    let (before, driver) = (service.usage(), usage(std::process::id()));
    row.most = swarm.at_once(WINDOW, length).await?;
    row.most_processor = took(service.usage().processor - before.processor);
    row.most_driver = took(usage(std::process::id()).processor - driver.processor);
    row.most.ended = swarm.ended();
    swarm.close().await;
    service.stop().await?;

    if args.idle > 0 {
        let service = recipe.start().await?;
        prepare(recipe, &service, size.rooms).await?;
        sleep(Duration::from_millis(500)).await;
        let before = service.usage().memory;
        let size = Size {
            sessions: args.idle as usize,
            ..size
        };
        let swarm = Swarm::open(recipe.dialect, service.address, size).await?;
        sleep(Duration::from_secs(2)).await;
        row.idle = Some((service.usage().memory, before));
        row.most.ended += swarm.ended();
        swarm.close().await;
        service.stop().await?;
    }
    Ok(row)
}

/// Makes what has to be there before the sessions come.
async fn prepare(recipe: &Recipe, service: &Service, rooms: usize) -> Result<()> {
    if recipe.dialect != Dialect::Diffusion {
        return Ok(());
    }
    let options = ConnectOptions::new().principal("user").password("password");
    let session = options
        .connect(ServiceAddress::new("127.0.0.1").port(service.address.port()))
        .await
        .context("the sandbox takes no session")?;
    for room in 0..rooms {
        let specification = TopicSpecification::new(TopicType::TimeSeries)
            .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
            .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100");
        session
            .topics()
            .add(&room_path(room), specification)
            .await?;
    }
    session.close().await;
    Ok(())
}

/// Microseconds of processor time for each message delivered, which says more than the rate where others use the machine.
fn each(percent: f64, delivered: f64) -> f64 {
    percent / 100.0 * 1e6 / delivered.max(1.0)
}

fn table(rows: &[Row], args: &Args) -> String {
    let mut text = format!(
        "\n{} sessions in {} rooms, messages of {} characters, {} s each; one machine, one thread of load\n\n",
        args.sessions, args.rooms, args.length, args.seconds
    );
    let milliseconds = |latencies: &Histogram, permille| {
        latencies
            .permille(permille)
            .map_or_else(|| "-".to_owned(), |it| format!("{:.1}", it as f64 / 1000.0))
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:<20} {:>12} {:>8} {:>8} {:>8} {:>6} {:>8} {:>8}",
        "as much as it can",
        "delivered/s",
        "p50 ms",
        "p99 ms",
        "p99.9",
        "CPU %",
        "us each",
        "driver %"
    );
    for row in rows {
        let it = &row.most;
        let _ = writeln!(
            text,
            "{:<20} {:>12.0} {:>8} {:>8} {:>8} {:>6.0} {:>8.2} {:>8.0}",
            row.name,
            it.delivered,
            milliseconds(&it.latencies, 500),
            milliseconds(&it.latencies, 990),
            milliseconds(&it.latencies, 999),
            row.most_processor,
            each(row.most_processor, it.delivered),
            row.most_driver
        );
    }
    let _ = writeln!(
        text,
        "\n{:<20} {:>12} {:>8} {:>8} {:>8} {:>6} {:>8}",
        format!("at {} messages/s", args.rate),
        "delivered/s",
        "p50 ms",
        "p99 ms",
        "p99.9",
        "CPU %",
        "us each"
    );
    for row in rows {
        let it = &row.steady;
        let _ = writeln!(
            text,
            "{:<20} {:>12.0} {:>8} {:>8} {:>8} {:>6.0} {:>8.2}",
            row.name,
            it.delivered,
            milliseconds(&it.latencies, 500),
            milliseconds(&it.latencies, 990),
            milliseconds(&it.latencies, 999),
            row.steady_processor,
            each(row.steady_processor, it.delivered),
        );
    }
    if args.idle > 0 {
        let _ = writeln!(
            text,
            "\n{:<20} {:>12} {:>12} {:>12}",
            format!("{} idle sessions", args.idle),
            "MiB in all",
            "MiB empty",
            "kB each"
        );
        for (name, with, without) in rows
            .iter()
            .filter_map(|row| row.idle.map(|(with, without)| (row.name, with, without)))
        {
            let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            let _ = writeln!(
                text,
                "{:<20} {:>12.1} {:>12.1} {:>12.1}",
                name,
                mebibytes(with),
                mebibytes(without),
                with.saturating_sub(without) as f64 / 1000.0 / f64::from(args.idle)
            );
        }
    }
    for row in rows.iter().filter(|row| row.most.ended > 0) {
        let _ = writeln!(
            text,
            "\n{}: {} sessions ended by themselves",
            row.name, row.most.ended
        );
    }
    text
}

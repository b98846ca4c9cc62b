//! Faults by seed: people in a room, on a network that breaks, with a service that is killed; then left alone until all is
//! well; then checked.

mod ledger;
mod member;
mod proxy;
mod totals;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use effusion_client::{
    ConnectOptions, Json, ServiceAddress, Session, TopicSpecification, TopicType, property,
};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

use crate::random::Random;
use crate::sandbox::{Recipe, Sandbox, last_words};
use ledger::{Findings, Ledger, Outcome, Seen};
use member::{BOARD, Company, ROOM};
use proxy::Proxy;
use totals::{Faults, Totals};

/// How long everybody may take to get well once the faults are over.
const SETTLE: Duration = Duration::from_secs(60);
/// What the sandbox says when it ends because it cannot tell what is stored.
const UNCERTAIN: &str = "it is not known whether the last changes are stored";
/// Seeds at a time.
const AT_ONCE: usize = 6;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sandbox's program
    #[arg(long, value_name = "PROGRAM")]
    sandbox: PathBuf,

    /// The seeds to try, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "SEEDS", default_values_t = [1_u64, 2, 3])]
    seeds: Vec<u64>,

    /// Go on with the seeds after the last one for so many minutes
    #[arg(long, value_name = "N", default_value_t = 0)]
    minutes: u64,

    /// How often something goes wrong with the service or its machine for each seed. A number and not a time, so that a seed
    /// means the same on a busy machine
    #[arg(long, value_name = "N", default_value_t = 8)]
    harms: u32,

    /// Fail if a kind of fault happens with none of the seeds. A single seed need not have all kinds
    #[arg(long)]
    every_kind: bool,
}

/// Runs all seeds. Whether nothing was lost, doubled or otherwise wrong, and every kind of fault happened if that is asked for.
pub fn run(args: &Args) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let end = Instant::now() + Duration::from_secs(60 * args.minutes);
    let mut seeds = args.seeds.clone();
    let mut total = Totals::default();
    let mut failed = Vec::new();
    while !seeds.is_empty() {
        let rest = seeds.split_off(seeds.len().min(AT_ONCE));
        let local = LocalSet::new();
        let results = local.block_on(
            &runtime,
            futures_util::future::join_all(seeds.iter().map(|seed| seed_run(*seed, args))),
        );
        for (seed, result) in seeds.iter().zip(results) {
            match result {
                Ok(totals) => {
                    println!("seed {seed}: {totals}");
                    if totals.lost + totals.doubled + totals.wrong > 0 {
                        failed.push(*seed);
                    }
                    total += totals;
                }
                Err(error) => {
                    println!("seed {seed}: FAILED: {error:#}");
                    failed.push(*seed);
                }
            }
        }
        seeds = if rest.is_empty() && Instant::now() < end {
            let last = seeds.iter().max().copied().unwrap_or(0);
            (last + 1..=last + AT_ONCE as u64).collect()
        } else {
            rest
        };
    }
    println!("all {} seeds: {total}", total.seeds);
    if !failed.is_empty() {
        let seeds: Vec<_> = failed.iter().map(ToString::to_string).collect();
        println!("FAILED seeds: {}", seeds.join(","));
    }
    let missing = total.faults.missing();
    if !missing.is_empty() {
        println!(
            "never happened, so that nothing is proved of it: {}",
            missing.join(", ")
        );
    }
    if total.acknowledged == 0 {
        println!("no message was acknowledged at all");
    }
    let has_all_kinds = missing.is_empty() || !args.every_kind;
    Ok(failed.is_empty() && has_all_kinds && total.acknowledged > 0)
}

async fn seed_run(seed: u64, args: &Args) -> Result<Totals> {
    let folder = tempfile::tempdir()?;
    let mut trial = Trial::start(seed, &args.sandbox, folder.path()).await?;
    let result = trial.run(args.harms).await;
    if result.as_ref().map_or(true, |totals| {
        totals.lost + totals.doubled + totals.wrong > 0
    }) {
        println!(
            "seed {seed}: the sandbox's last words:\n{}",
            last_words(&trial.recipe.log)
        );
        trial.tell(seed).await;
    }
    result
}

/// One seed's sandbox and everything around it.
struct Trial {
    random: Random,
    recipe: Recipe,
    /// The file that sets the sandbox's clock off.
    clock: PathBuf,
    database: PathBuf,
    sandbox: Option<Sandbox>,
    proxy: Proxy,
    company: Rc<Company>,
    faults: Faults,
}

impl Trial {
    async fn start(seed: u64, program: &Path, folder: &Path) -> Result<Self> {
        let random = Random::new(seed);
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (data, clock) = (folder.join("data"), folder.join("clock"));
        let recipe = Recipe {
            program: program.to_owned(),
            arguments: vec![
                "--data".to_owned(),
                text(&data),
                "--clock-offset".to_owned(),
                text(&clock),
                "--log".to_owned(),
                "info".to_owned(),
            ],
            log: folder.join("log"),
        };
        let sandbox = recipe.start().await?;
        let proxy = Proxy::start(random.part(100)).await?;
        proxy.lead_to(Some(sandbox.address));
        let session = direct(&sandbox).await?;
        let room = TopicSpecification::new(TopicType::TimeSeries)
            .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
            .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100000")
            .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 100000");
        session.topics().add(ROOM, room).await?;
        let board = TopicSpecification::new(TopicType::Json);
        session.topics().add(BOARD, board).await?;
        session.close().await;
        let company = Rc::new(Company {
            proxy: proxy.address,
            ledger: RefCell::default(),
            is_open: Cell::new(true),
            said: Cell::new(0),
            busy: Cell::new(0),
            board: RefCell::default(),
            boards: RefCell::default(),
            writers: RefCell::default(),
        });
        Ok(Self {
            random,
            recipe,
            clock,
            database: data.join("sandbox.redb"),
            sandbox: Some(sandbox),
            proxy,
            company,
            faults: Faults::default(),
        })
    }

    async fn run(&mut self, harms: u32) -> Result<Totals> {
        let writers = [1, 1, self.random.pick(&[1, 4, 20])];
        for (writer, window) in writers.into_iter().enumerate() {
            let random = self.random.part(writer as u64 + 1);
            let company = Rc::clone(&self.company);
            tokio::task::spawn_local(member::write(company, writer, window, random));
        }
        let company = Rc::clone(&self.company);
        tokio::task::spawn_local(member::write_board(company, self.random.part(10)));
        for reader in 0..3 {
            let company = Rc::clone(&self.company);
            tokio::task::spawn_local(member::read(company, self.random.part(20 + reader)));
        }
        sleep(Duration::from_millis(300)).await;
        self.proxy.set_calm(false);
        for _ in 0..harms {
            let pause = self.random.between(200, 1_500);
            sleep(Duration::from_millis(pause)).await;
            self.revive().await?;
            self.do_harm().await?;
        }
        self.proxy.set_calm(true);
        self.company.is_open.set(false);
        let settled = async {
            // First every message is settled, then everybody has it.
            while self.company.busy.get() > 0 {
                self.revive().await?;
                sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(())
        };
        timeout(SETTLE, settled)
            .await
            .context("some messages are not acknowledged although all is well")??;
        let session = direct(self.running()?).await?;
        let truth = series(&session).await?;
        let board = board_number(&session).await?;
        session.close().await;
        // Whoever still lacks something after this is found by the check.
        let _ = timeout(SETTLE, self.all_told(truth.len(), board)).await;
        self.check(&truth, board).await
    }

    fn running(&self) -> Result<&Sandbox> {
        self.sandbox.as_ref().context("the sandbox is not running")
    }

    /// Something goes wrong with the service or its machine.
    async fn do_harm(&mut self) -> Result<()> {
        match self.random.between(0, 8) {
            0 | 1 => {
                self.faults.kills += 1;
                self.proxy.lead_to(None);
                if let Some(sandbox) = self.sandbox.take() {
                    sandbox.kill().await?;
                }
                self.start_again().await
            }
            2 => {
                self.faults.restarts += 1;
                self.proxy.lead_to(None);
                if let Some(sandbox) = self.sandbox.take() {
                    sandbox.stop().await?;
                }
                self.start_again().await
            }
            3 | 4 => self.fill_disk().await,
            5 => {
                self.faults.clocks_back += 1;
                let back = self.random.pick(&[-1_000_i64, -3_600_000, -86_400_000]);
                std::fs::write(&self.clock, back.to_string())?;
                Ok(())
            }
            6 => {
                // Forward again, or as it should be.
                let offset = self.random.pick(&[0_i64, 0, 3_600_000]);
                std::fs::write(&self.clock, offset.to_string())?;
                Ok(())
            }
            _ => {
                self.proxy.cut_all();
                Ok(())
            }
        }
    }

    /// Starts the service again if it has ended by itself, as whatever supervises it would: it does so if it cannot tell what is
    /// stored. For any other reason it must not end.
    async fn revive(&mut self) -> Result<()> {
        let sandbox = self.sandbox.as_mut().context("there is no sandbox")?;
        if !sandbox.has_ended()? {
            return Ok(());
        }
        let words = last_words(&self.recipe.log);
        if !words
            .lines()
            .rev()
            .take(3)
            .any(|line| line.contains(UNCERTAIN))
        {
            bail!("the sandbox has ended by itself");
        }
        self.faults.ended += 1;
        self.proxy.lead_to(None);
        self.start_again().await
    }

    async fn start_again(&mut self) -> Result<()> {
        let pause = self.random.pick(&[0, 100, 800]);
        sleep(Duration::from_millis(pause)).await;
        let sandbox = self.recipe.start().await?;
        self.proxy.lead_to(Some(sandbox.address));
        self.sandbox = Some(sandbox);
        Ok(())
    }

    /// For a while, the database cannot grow, or cannot be written at all. Sometimes the service is killed in the middle.
    #[cfg(target_os = "linux")]
    async fn fill_disk(&mut self) -> Result<()> {
        self.faults.full_disks += 1;
        let size = std::fs::metadata(&self.database)?.len();
        let limit = self.random.pick(&[size, size, 4096]);
        self.running()?.limit_files(Some(limit))?;
        let pause = self.random.pick(&[300, 800, 2_000]);
        sleep(Duration::from_millis(pause)).await;
        if self.random.once_in(4) {
            self.faults.kills += 1;
            self.proxy.lead_to(None);
            if let Some(sandbox) = self.sandbox.take() {
                sandbox.kill().await?;
            }
            return self.start_again().await;
        }
        self.revive().await?;
        self.running()?.limit_files(None)
    }

    #[cfg(not(target_os = "linux"))]
    async fn fill_disk(&mut self) -> Result<()> {
        bail!("only Linux lets a test limit the files of another process")
    }

    /// Tells how far the writers have come, and what the service has: with it, what went wrong can be followed.
    async fn tell(&mut self, seed: u64) {
        for (name, standing) in self.company.writers.borrow().iter() {
            println!("seed {seed}: {name} {standing}");
        }
        let puts = self.company.board.borrow().clone();
        for put in puts.iter().skip(puts.len().saturating_sub(5)) {
            println!("seed {seed}: on the board: {put:?}");
        }
        let there = async {
            if self.sandbox.is_none() {
                self.start_again().await?;
            }
            let session = direct(self.running()?).await?;
            let series = series(&session).await?;
            let board = board_number(&session).await?;
            session.close().await;
            anyhow::Ok((series, board))
        };
        match there.await {
            Ok((series, board)) => {
                println!(
                    "seed {seed}: the board says {board}, the room has {} events",
                    series.len()
                );
                for (writer, seen) in ledger::newest(&series) {
                    println!(
                        "seed {seed}: the newest of writer {writer}: {:?} as {}",
                        seen.mark, seen.sequence
                    );
                }
            }
            Err(error) => println!("seed {seed}: what is there cannot be told: {error:#}"),
        }
    }

    /// Waits until every reader has everything.
    async fn all_told(&self, events: usize, board: u64) {
        loop {
            let told = {
                let ledger = self.company.ledger.borrow();
                let has_all = ledger.readers.iter().all(|reader| {
                    reader
                        .subscriptions
                        .last()
                        .is_some_and(|last| last.len() >= events)
                });
                let boards = self.company.boards.borrow();
                has_all && boards.iter().all(|view| view.number == Some(board))
            };
            if told {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn check(&mut self, truth: &[Seen], board: u64) -> Result<Totals> {
        // What comes late comes now.
        sleep(Duration::from_millis(200)).await;
        let ledger = self.company.ledger.borrow().clone();
        let mut findings = ledger.check(truth);
        findings.wrong.extend(ledger::check_board(
            &self.company.board.borrow(),
            &self.company.boards.borrow(),
            board,
        ));
        // And it is there still after the service has died with nobody writing.
        self.proxy.lead_to(None);
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.kill().await?;
        }
        let sandbox = self.recipe.start().await?;
        let session = direct(&sandbox).await?;
        if series(&session).await? != truth || board_number(&session).await? != board {
            findings
                .lost
                .push("the series is another after the service was killed".to_owned());
        }
        session.close().await;
        sandbox.stop().await?;
        for finding in [&findings.lost, &findings.doubled, &findings.wrong]
            .into_iter()
            .flat_map(|of_kind| of_kind.iter().take(5))
        {
            println!("FOUND: {finding}");
        }
        Ok(self.totals(&ledger, &findings))
    }

    fn totals(&self, ledger: &Ledger, findings: &Findings) -> Totals {
        let mut faults = self.proxy.faults();
        faults += self.faults;
        let count = |wanted: fn(&Outcome) -> bool| {
            let outcomes = ledger.attempts.iter().map(|attempt| &attempt.outcome);
            outcomes.filter(|outcome| wanted(outcome)).count()
        };
        let first = ledger.attempts.iter().filter(|it| it.mark.attempt == 0);
        Totals {
            seeds: 1,
            faults,
            messages: first.count(),
            attempts: ledger.attempts.len(),
            acknowledged: count(|it| matches!(it, Outcome::Acknowledged(_))),
            refused: count(|it| *it == Outcome::NotDone),
            unknown: count(|it| *it == Outcome::Unknown),
            delivered: ledger
                .readers
                .iter()
                .flat_map(|reader| &reader.subscriptions)
                .map(Vec::len)
                .sum(),
            lost: findings.lost.len(),
            doubled: findings.doubled.len(),
            wrong: findings.wrong.len(),
        }
    }
}

/// A session without the faulty network.
async fn direct(sandbox: &Sandbox) -> Result<Session> {
    let options = ConnectOptions::new()
        .principal("admin")
        .password("password");
    let address =
        ServiceAddress::new(&sandbox.address.ip().to_string()).port(sandbox.address.port());
    options
        .connect(address)
        .await
        .context("the sandbox takes no session")
}

/// The whole series, as the service has it.
async fn series(session: &Session) -> Result<Vec<Seen>> {
    let query = session.time_series().range_query();
    let found = query
        .select_from::<Json>(ROOM)
        .await
        .context("the room cannot be queried")?;
    if !found.is_complete() {
        bail!("the room's query left events out");
    }
    Ok(found.events.iter().map(member::seen).collect())
}

/// The number on the board, as the service has it.
async fn board_number(session: &Session) -> Result<u64> {
    let fetch = session.fetch(&format!(">{BOARD}")).with_values();
    let found = fetch.fetch().await.context("the board cannot be fetched")?;
    let topic = found.topics.first().context("there is no board")?;
    let value = topic.value::<Json>()?.context("the board is empty")?;
    member::number(&value).context("the board has no number")
}

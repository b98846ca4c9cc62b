//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Parser, Subcommand};
use tracing_subscriber::filter::Targets;

use crate::origin::Origin;
use crate::token::{LEEWAY, ROLES_CLAIM, TokenSettings, TokenSource};

/// A service for development that speaks the Diffusion protocol over WebSocket.
///
/// It keeps topics, time series, principals and the security store in DIR, and acknowledges a change to them only once
/// it is on disk. Clients connect to ws://HOST:PORT/diffusion.
#[derive(Debug, Parser)]
#[command(
    name = "effusion-sandbox",
    version,
    group = ArgGroup::new("storage").args(["data", "memory"]).required(true),
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true
)]
pub struct Args {
    #[allow(missing_docs)]
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where to listen: an address and a port (0 picks a free one). Repeat it to listen in several places
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub listen: Vec<String>,

    /// Keep everything in this folder (made if it is missing); one sandbox at a time can use it
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Keep everything in memory: it is gone when the sandbox stops
    #[arg(long)]
    pub memory: bool,

    /// Serve the files of this folder over HTTP: a built page, with its index.html. (A program with the page in it serves
    /// that otherwise.)
    #[arg(long, value_name = "DIR")]
    pub r#static: Option<PathBuf>,

    /// Speak TLS (wss, https) with this certificate chain, a PEM file. It is loaded again, with its key, when it changes,
    /// and at once upon SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Let pages of this origin connect (`https://chat.example`), besides those of the same host and of this machine. Repeat
    /// it for several; `null` is for pages in files, `*` for all. Clients that are no browsers name no origin, and may
    /// connect anyway
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,

    /// Listen on an address that others can reach, although the principals for development still have the password
    /// "password"
    #[arg(long)]
    pub allow_default_principals: bool,

    /// What to log to stderr: off, error, warn, info, debug or trace, also for a part, as in info,effusion_sandbox=debug
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log: Targets,

    /// For tests of what a clock that is set back does: the wall clock is off by the milliseconds in this file, which is
    /// read again and again
    #[arg(long, value_name = "FILE")]
    pub clock_offset: Option<PathBuf>,

    // No text for the help: it would be that of the whole group.
    #[allow(missing_docs)]
    #[command(flatten)]
    pub tokens: TokenArgs,

    #[allow(missing_docs)]
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// What there is to do besides serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Copies what is stored into a new file, also while a sandbox runs
    ///
    /// All that was acknowledged before is in the copy. The sandbox that uses the folder writes the file, if one does. To
    /// restore a copy, stop the sandbox, put the copy in the place of sandbox.redb in its folder, and start it again.
    #[cfg(unix)]
    Backup {
        /// The new file
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// The sandbox's folder
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },

    /// Gives a principal another password, read from the standard input in one line; no sandbox may use the folder meanwhile
    SetPassword {
        /// The principal, such as admin
        #[arg(value_name = "PRINCIPAL")]
        principal: String,

        /// The sandbox's folder
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },

    /// Removes a principal; no sandbox may use the folder meanwhile
    RemovePrincipal {
        /// The principal, such as user
        #[arg(value_name = "PRINCIPAL")]
        principal: String,

        /// The sandbox's folder
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },

    /// Asks a sandbox whether it works, and fails if it does not
    Health {
        /// Where it listens
        #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
        address: String,

        /// Ask over TLS; the sandbox must show the first certificate of this PEM file
        #[arg(long, value_name = "FILE")]
        tls_cert: Option<PathBuf>,
    },
}

/// Sign-in with a JSON Web Token in place of a password.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Sign-in by token (JWT)")]
pub struct TokenArgs {
    /// Accept tokens signed with this key: a PEM file with Ed25519 public keys (EdDSA), or a file with a secret of 32 bytes
    /// or more (HS256). Repeat it for several keys
    #[arg(long, value_name = "FILE", requires_all = ["jwt_issuer", "jwt_audience"])]
    pub jwt_key_file: Vec<PathBuf>,

    /// Who issues the tokens: their claim "iss"
    #[arg(long, value_name = "TEXT", requires = "jwt_key_file")]
    pub jwt_issuer: Option<String>,

    /// Whom the tokens are for: their claim "aud"
    #[arg(long, value_name = "TEXT", requires = "jwt_key_file")]
    pub jwt_audience: Option<String>,

    /// The claim with the roles, a list or a text with spaces; dots lead into objects, as in realm_access.roles
    #[arg(long, value_name = "NAME", default_value = ROLES_CLAIM)]
    pub jwt_roles_claim: String,

    /// Seconds that the issuer's clock may differ from the one here
    #[arg(long, value_name = "SECONDS", default_value_t = LEEWAY, value_parser = clap::value_parser!(u32).range(0..=300))]
    pub jwt_leeway: u32,

    /// All of this from a file, in JSON: {"key_files": ["key.pem"], "issuer": "…", "audience": "…"}, and perhaps "roles_claim"
    /// and "leeway"
    #[arg(long, value_name = "FILE", conflicts_with_all = ["jwt_key_file", "jwt_issuer", "jwt_audience"])]
    pub jwt_settings: Option<PathBuf>,
}

impl TokenArgs {
    pub(crate) fn source(self) -> Option<TokenSource> {
        if let Some(file) = self.jwt_settings {
            return Some(TokenSource::File(file));
        }
        let (issuer, audience) = self.jwt_issuer.zip(self.jwt_audience)?;
        Some(TokenSource::Flags(TokenSettings {
            key_files: self.jwt_key_file,
            issuer,
            audience,
            roles_claim: self.jwt_roles_claim,
            leeway: self.jwt_leeway,
        }))
    }
}

/// What one client, and all of them, may take.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Sessions at a time, those included whose client may still reconnect
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_sessions: u32,

    /// Sessions at a time from one address (or one /64 of IPv6), those included whose client may still reconnect [default:
    /// twice --max-connections-per-address, and 100 at least]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_sessions_per_address: Option<u32>,

    /// Connections at a time, HTTP ones included
    #[arg(long, value_name = "N", default_value_t = 24_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,

    /// Connections at a time from one address
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections_per_address: u32,

    /// Clients that are signing in at a time; a quarter of them from one address
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_pending: u32,

    /// Failed sign-ins of a principal from one address before the next has to wait: a second at first, then ever longer.
    /// Four times as many from one address for all principals, ten times as many for a principal from all addresses
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sign_in_attempts: u32,

    /// Seconds that a sign-in has to wait at most after failed ones
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub sign_in_wait: u32,

    /// Topics at a time
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_topics: u32,

    /// Topics at a time that one principal added; anonymous sessions count as one principal
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_topics_per_principal: u32,

    /// Bytes of memory that the service may take. Less is then left for topics, for what waits for clients, and for what
    /// waits for the service; who asks for more is refused, and who reads too slowly is disconnected [default: no bound but
    /// the others]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(128 << 20..))]
    pub max_memory: Option<u64>,

    /// Bytes of memory that all topics may take, with their values and events
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(1 << 20..))]
    pub max_topic_bytes: u64,

    /// Bytes of memory that the topics may take that one principal added; anonymous sessions count as one principal
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 20, value_parser = clap::value_parser!(u64).range(1 << 20..))]
    pub max_topic_bytes_per_principal: u64,

    /// Messages a second that a client may send, after a burst of twice as many. Of one that sends more, less is read; if
    /// it goes on for 30 seconds, its session is closed
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_message_rate: u32,

    /// The largest message that a client may send, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1024..=64 << 20))]
    pub max_message_size: u32,

    /// Bytes that may wait for one client that reads too slowly, before its session is closed
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, value_parser = clap::value_parser!(u32).range(1024..))]
    pub max_queue_bytes: u32,

    /// Messages that may wait for one client that reads too slowly, before its session is closed
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(16..))]
    pub max_queue_messages: u32,

    /// Seconds that a client may take to say what it wants once it is connected, or to read what waits for it
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub io_timeout: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Args, String> {
        Args::try_parse_from(["effusion-sandbox"].iter().chain(args))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_listen_on_loopback() {
        let args = parse(&["--memory"]).unwrap();
        assert_eq!(args.listen, ["127.0.0.1:8080"]);
        assert!(!args.allow_default_principals);
    }

    #[test]
    fn storage_is_a_choice_of_one() {
        assert!(parse(&[]).unwrap_err().contains("--data <DIR>"));
        let both = parse(&["--memory", "--data", "x"]).unwrap_err();
        assert!(both.contains("cannot be used with"), "{both}");
    }

    #[test]
    fn who_asks_for_health_names_no_storage() {
        let args = parse(&["health"]).unwrap();
        assert!(matches!(
            args.command,
            Some(Command::Health { address, tls_cert: None }) if address == "127.0.0.1:8080"
        ));
        assert!(parse(&["health", "[::1]:1", "--tls-cert", "c.pem"]).is_ok());
        assert!(parse(&["health", "--memory"]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_copy_is_of_a_folder() {
        let args = parse(&["backup", "copy", "--data", "x"]).unwrap();
        assert!(matches!(args.command, Some(Command::Backup { .. })));
        assert!(parse(&["backup", "copy"]).is_err());
        assert!(parse(&["backup", "--data", "x"]).is_err());
        assert!(parse(&["--data", "x"]).unwrap().command.is_none());
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let error = parse(&["--memory", "--tls-cert", "c.pem"]).unwrap_err();
        assert!(error.contains("--tls-key"), "{error}");
    }

    #[test]
    fn tokens_need_a_key_an_issuer_and_an_audience() {
        let key = ["--memory", "--jwt-key-file", "k.pem"];
        for bad in [&[][..], &["--jwt-issuer", "i"], &["--jwt-audience", "a"]] {
            assert!(parse(&[&key[..], bad].concat()).is_err(), "{bad:?}");
        }
        assert!(parse(&["--memory", "--jwt-issuer", "i", "--jwt-audience", "a"]).is_err());
        let full = [&key[..], &["--jwt-issuer", "i", "--jwt-audience", "a"]].concat();
        let Some(TokenSource::Flags(settings)) = parse(&full).unwrap().tokens.source() else {
            panic!("the settings come from flags");
        };
        assert_eq!(settings.roles_claim, "roles");
        assert_eq!(settings.leeway, 5);
        assert!(parse(&["--memory"]).unwrap().tokens.source().is_none());
        let file = ["--memory", "--jwt-settings", "tokens.json"];
        let source = parse(&file).unwrap().tokens.source();
        assert!(matches!(source, Some(TokenSource::File(_))), "{source:?}");
        assert!(parse(&[&file[..], &full[1..]].concat()).is_err());
    }

    #[test]
    fn limits_have_limits() {
        for bad in [
            ["--max-sessions", "0"],
            ["--max-message-size", "10"],
            ["--max-message-size", "999999999"],
            ["--io-timeout", "0"],
            ["--sign-in-attempts", "0"],
            ["--max-message-rate", "0"],
            ["--max-memory", "1000000"],
            ["--max-topic-bytes", "1"],
            ["--allow-origin", "chat.example"],
        ] {
            assert!(parse(&["--memory", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn log_levels_are_checked() {
        assert!(parse(&["--memory", "--log", "warn,effusion_sandbox=debug"]).is_ok());
        assert!(parse(&["--memory", "--log", "effusion_sandbox=loud"]).is_err());
    }
}

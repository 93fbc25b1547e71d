//! `token` and `tls`: who may come in.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Where the tokens are kept.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct TokenPlace {
    /// State folder of the coordinator: its tokens are in DIR/tokens.json
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The token file itself (coordinator --tokens FILE)
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token and print it, once; a running coordinator knows it within a second
    Create {
        #[command(flatten)]
        place: TokenPlace,
        /// What it allows
        #[arg(long, value_enum)]
        role: TokenRole,
        /// Whose it is, or what for [default: the role]
        #[arg(long)]
        name: Option<String>,
        /// Write the token into this new file, readable by its owner alone, instead of printing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show the tokens, without what would let anybody in
    List {
        #[command(flatten)]
        place: TokenPlace,
    },
    /// Take a token away; a running coordinator refuses it within a second
    Revoke {
        #[command(flatten)]
        place: TokenPlace,
        /// Its name or its id
        token: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenRole {
    /// Everything
    Admin,
    /// Submit and control sweeps, and read
    Submit,
    /// Be a worker
    Worker,
    /// Look at everything, change nothing
    Read,
}

#[derive(Debug, Subcommand)]
pub enum Tls {
    /// Make an authority of your own, and a certificate for the coordinator
    Init {
        /// Folder for ca.pem, ca-key.pem, server.pem, server-key.pem; must not hold them
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Host name or address by which callers reach the coordinator; repeatable
        #[arg(long = "host", value_name = "NAME", required = true)]
        hosts: Vec<String>,
        /// Days that the coordinator's certificate is valid
        #[arg(long, default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
    /// Make another certificate for a coordinator, of the authority that `init` made
    Server {
        /// Folder that `init` made
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Host name or address by which callers reach the coordinator; repeatable
        #[arg(long = "host", value_name = "NAME", required = true)]
        hosts: Vec<String>,
        /// Days that it is valid
        #[arg(long, default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        /// Replace server.pem and server-key.pem
        #[arg(long)]
        replace: bool,
    },
    /// Make a certificate for a caller (coordinator --tls-client-ca DIR/ca.pem)
    Client {
        /// Folder that `init` made; NAME.pem and NAME-key.pem come into it
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Who calls
        #[arg(long)]
        name: String,
        /// Days that it is valid
        #[arg(long, default_value_t = 825, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
}

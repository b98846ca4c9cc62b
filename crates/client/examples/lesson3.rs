//! Lesson 3: who may change the store of principals makes an account, with which somebody signs in.
//!
//! ```text
//! cargo run --example lesson3 -- ws://localhost:8080 ann sesame
//! ```

use std::error::Error;
use std::process::ExitCode;

use effusion_client::{AuthenticationScript, ConnectOptions};

mod support;

/// Makes an account; returns the roles that the store gives it.
pub async fn run(service: &str, name: &str, password: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let own = ConnectOptions::new().principal(name).password(password);
    match own.clone().connect(service).await {
        Err(error) if error.is_authentication_failure() => println!("{name} has no account yet"),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("there is such an account already".into()),
    }

    let admin = ConnectOptions::new()
        .principal("admin")
        .password("password")
        .connect(service)
        .await?;
    let script = AuthenticationScript::new().add_principal(name, password, &["CLIENT"]);
    admin
        .security()
        .update_authentication_store(&script)
        .await?;
    let store = admin.security().authentication_store().await?;
    admin.close().await;

    let session = own.connect(service).await?;
    println!(
        "{name} can sign in: a round trip takes {:?}",
        session.ping().await?
    );
    session.close().await;
    let account = store.principals.into_iter().find(|it| it.name == name);
    Ok(account.map(|it| it.roles).unwrap_or_default())
}

#[tokio::main]
async fn main() -> ExitCode {
    support::exit(example().await)
}

async fn example() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let service = words.next().unwrap_or("ws://localhost:8080".into());
    let name = words.next().unwrap_or("ann".into());
    let password = words.next().unwrap_or("sesame".into());
    let roles = run(&service, &name, &password).await?;
    println!("{name} has the roles {}", roles.join(", "));
    Ok(())
}

use effusion_client::{ConnectOptions, GlobalPermission};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{moderator}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let permissions = session.security().global_permissions().await?;
    let may_moderate = permissions.contains(&GlobalPermission::ModifySecurity);
    println!("May change rights: {may_moderate}.");
    session.close().await;
    Ok(())
}

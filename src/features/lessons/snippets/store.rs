use effusion_client::{AuthenticationScript, ConnectOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{registrar}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let script = AuthenticationScript::new().add_principal(
        fill!("{{account}}"),
        fill!("{{password}}"),
        &["CLIENT", "TOPIC_CONTROL"],
    );
    session
        .security()
        .update_authentication_store(&script)
        .await?;
    println!("The account was added.");
    session.close().await;
    Ok(())
}

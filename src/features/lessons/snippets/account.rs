use effusion_client::ConnectOptions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{account}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    println!("A round trip takes {:?}.", session.ping().await?);
    session.close().await;
    Ok(())
}

use effusion_client::ConnectOptions;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{principal}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let message = json!({
        "text": fill!("{{text}}"),
        "name": fill!("{{name}}"),
        "timestamp": "2026-01-31T12:00:00Z",
    });
    let event = session
        .time_series()
        .append(fill!("{{history}}"), &message)
        .await?;
    println!("Event {} by {}.", event.sequence, event.author);
    session.close().await;
    Ok(())
}

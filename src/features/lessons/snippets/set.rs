use effusion_client::{ConnectOptions, TopicSpecification, TopicType};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{principal}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let specification = TopicSpecification::new(TopicType::Json);
    session
        .topics()
        .add(fill!("{{live}}"), specification)
        .await?;
    let message = json!({
        "text": fill!("{{text}}"),
        "name": fill!("{{name}}"),
        "timestamp": "2026-01-31T12:00:00Z",
    });
    session
        .topic_update()
        .set(fill!("{{live}}"), &message)
        .await?;
    println!("The topic has the value {message}.");
    session.close().await;
    Ok(())
}

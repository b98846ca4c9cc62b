use effusion_client::{ConnectOptions, TopicSpecification, TopicType};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{moderator}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let rules = json!({
        "words": ["heck", "darn*"],
        "patterns": [],
        "bleep": "█",
        "warn": true,
        "mute_after": 3,
        "mute_lasts": 15,
    });
    let specification = TopicSpecification::new(TopicType::Json);
    session
        .topics()
        .add("Effusion/moderation/rules", specification)
        .await?;
    session
        .topic_update()
        .set("Effusion/moderation/rules", &rules)
        .await?;
    println!("The rules are {rules}.");
    session.close().await;
    Ok(())
}

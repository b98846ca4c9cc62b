use effusion_client::{ConnectOptions, Json, RangeAnchor};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{moderator}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let last = session
        .time_series()
        .range_query()
        .from(RangeAnchor::Last(1))
        .select_from::<Json>(fill!("{{history}}"))
        .await?;
    for event in last.events {
        let sequence = event.original().sequence;
        let mut message: Value = serde_json::from_str(&event.value.to_text()?)?;
        message["text"] = "████".into();
        let edit = session
            .time_series()
            .edit(fill!("{{history}}"), sequence, &message)
            .await?;
        println!("Event {} hides what event {sequence} said.", edit.sequence);
    }
    session.close().await;
    Ok(())
}

use effusion_client::{ConnectOptions, Json, RangeAnchor};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{principal}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let result = session
        .time_series()
        .range_query()
        .from(RangeAnchor::Last(20))
        .select_from::<Json>(fill!("{{history}}"))
        .await?;
    for event in result.events {
        let (sequence, author) = (event.metadata.sequence, &event.metadata.author);
        println!("Event {sequence} by {author}: {}", event.value.to_text()?);
    }
    session.close().await;
    Ok(())
}

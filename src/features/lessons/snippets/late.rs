use effusion_client::{ConnectOptions, Json, StreamEvent, TimeSeriesEvent};
use futures_util::StreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{principal}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let mut stream = session.add_stream_at::<TimeSeriesEvent<Json>>(fill!("{{history}}"))?;
    session.topics().select(fill!(">{{history}}")).await?;
    while let Some(event) = stream.next().await {
        if let StreamEvent::Value { new, .. } = event {
            let (sequence, author) = (new.metadata.sequence, &new.metadata.author);
            println!("Event {sequence} by {author}: {}", new.value.to_text()?);
            break;
        }
    }
    session.close().await;
    Ok(())
}

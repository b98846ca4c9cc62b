use effusion_client::{ConnectOptions, Json, StreamEvent};
use futures_util::StreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{principal}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let mut stream = session.add_stream_at::<Json>(fill!("{{live}}"))?;
    session.topics().select(fill!(">{{live}}")).await?;
    while let Some(event) = stream.next().await {
        if let StreamEvent::Value { new, .. } = event {
            println!("Received {}", new.to_text()?);
            break;
        }
    }
    session.close().await;
    Ok(())
}

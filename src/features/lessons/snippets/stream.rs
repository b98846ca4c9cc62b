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
    let handler = tokio::spawn(async move {
        while let Some(event) = stream.next().await {
            match event {
                StreamEvent::Subscribed { topic } => println!("Subscribed to {}.", topic.path),
                StreamEvent::Value { new, .. } => println!("{}", new.to_text().unwrap_or_default()),
                _ => {}
            }
        }
    });
    // The handler is called once the topic is selected: see the next step.
    handler.abort();
    session.close().await;
    Ok(())
}

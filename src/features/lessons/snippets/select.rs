use effusion_client::{ConnectOptions, Json, StreamEvent, TopicSpecification, TopicType};
use futures_util::StreamExt as _;

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
    let mut stream = session.add_stream_at::<Json>(fill!("{{live}}"))?;
    session.topics().select(fill!(">{{live}}")).await?;
    if let Some(StreamEvent::Subscribed { topic }) = stream.next().await {
        println!("Subscribed to {}.", topic.path);
    }
    session.close().await;
    Ok(())
}

use effusion_client::{ConnectOptions, TopicSpecification, TopicType};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{principal}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let specification = TopicSpecification::new(TopicType::Json);
    let result = session
        .topics()
        .add(fill!("{{live}}"), specification)
        .await?;
    println!("{result:?}");
    session.close().await;
    Ok(())
}

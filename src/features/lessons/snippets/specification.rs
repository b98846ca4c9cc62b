use effusion_client::{ConnectOptions, TopicSpecification, TopicType, property};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{principal}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let specification = TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100")
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 100");
    let result = session
        .topics()
        .add(fill!("{{history}}"), specification)
        .await?;
    println!("{result:?}");
    session.close().await;
    Ok(())
}

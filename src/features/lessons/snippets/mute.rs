use effusion_client::{AuthenticationScript, ConnectOptions, PathPermission, SecurityScript};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = ConnectOptions::new()
        .principal(fill!("{{moderator}}"))
        .password(fill!("{{password}}"))
        .connect(fill!("{{scheme}}://{{authority}}{{service_path}}"))
        .await?;
    let role = fill!("Muted {{account}}");
    let rights = SecurityScript::new().set_path_permissions(
        role,
        fill!("{{history}}"),
        &[PathPermission::SelectTopic, PathPermission::ReadTopic],
    );
    session.security().update_security_store(&rights).await?;
    let roles = AuthenticationScript::new().assign_roles(fill!("{{account}}"), &[role]);
    session
        .security()
        .update_authentication_store(&roles)
        .await?;
    println!("{} may only read from now on.", fill!("{{account}}"));
    session.close().await;
    Ok(())
}

//! Password hashes: argon2id in PHC's form.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Memory of one hash in KiB, passes and lanes: what the OWASP password storage cheat sheet recommends for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A hash of [`DEVELOPMENT_PASSWORD`](effusion_broker::bootstrap::DEVELOPMENT_PASSWORD), as public as that: who has it need not make one,
/// nor try the password on it.
pub const DEVELOPMENT_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$yiYkUp0669mxHELi9GSqQg$V7TriOOBSWc6lq3tcMS0XJyR2vCO6B2+X5eEDTX9wXE";

/// Why a password could not be hashed or verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The hash that was kept is not a hash.
    #[error("the stored password hash is not valid: {0}")]
    BadHash(String),
    /// The hash function failed.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

/// The hash to keep for a password, with a salt of its own. It takes 19 MiB and a core for some tens of milliseconds.
///
/// # Errors
/// If hashing fails.
pub fn hash(password: &str) -> Result<String, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    let salt = Salt::generate();
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(failed)?,
        salt: Some(salt),
        hash: Some(argon2id(params, password, &salt).map_err(failed)?),
    };
    Ok(hash.to_string())
}

/// Whether this is the password of that hash. Takes as long for a wrong password as for the right one.
///
/// # Errors
/// If the hash is not valid.
pub fn verify(hash: &str, password: &str) -> Result<bool, HashError> {
    let bad = |reason: &dyn ToString| HashError::BadHash(reason.to_string());
    let parsed = PasswordHash::new(hash).map_err(|error| bad(&error))?;
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return Err(bad(&"it has no salt or no hash"));
    };
    if parsed.algorithm != Algorithm::Argon2id.ident()
        || parsed.version != Some(Version::V0x13.into())
    {
        return Err(bad(&"it is not of argon2id, version 19"));
    }
    let params = Params::try_from(&parsed).map_err(|error| bad(&error))?;
    let found = argon2id(params, password, salt).map_err(|error| bad(&error))?;
    // This comparison takes the same time wherever the two differ.
    Ok(found == *expected)
}

fn argon2id(
    params: Params,
    password: &str,
    salt: &Salt,
) -> Result<Output, argon2::password_hash::Error> {
    let blocks = params.block_count();
    let mut out = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    let mut memory = Vec::with_capacity(room(blocks));
    memory.resize(blocks, Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        &mut out,
        &mut memory,
    )?;
    Ok(Output::new(&out)?)
}

/// Blocks to ask the allocator for: more than are used, and so never touched. glibc gives memory back to the system as soon as it
/// is free, whatever it learns from use, only if it is of 32 MiB or more; without this, each thread would keep several times what
/// a hash needs.
#[cfg(not(target_family = "wasm"))]
fn room(blocks: usize) -> usize {
    const GIVEN_BACK: usize = (32 << 20) + 1024;
    blocks.max(GIVEN_BACK / Block::SIZE)
}

/// Memory of WebAssembly is never given back.
#[cfg(target_family = "wasm")]
const fn room(blocks: usize) -> usize {
    blocks
}

fn failed(error: impl ToString) -> HashError {
    HashError::Failed(error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;
    use effusion_broker::bootstrap::DEVELOPMENT_PASSWORD;

    #[test]
    fn the_hash_of_the_development_password_is_one() {
        assert!(DEVELOPMENT_HASH.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(verify(DEVELOPMENT_HASH, DEVELOPMENT_PASSWORD), Ok(true));
    }

    #[test]
    fn a_hash_verifies_its_password_only() {
        let kept = hash("correct horse").unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert_eq!(verify(&kept, "correct horse"), Ok(true));
        assert_eq!(verify(&kept, "correct horsE"), Ok(false));
        assert_eq!(verify(&kept, ""), Ok(false));
        assert_ne!(hash("correct horse").unwrap(), kept, "each has its salt");
    }

    #[test]
    fn a_hash_of_another_program_verifies() {
        // What the reference program writes: printf password | argon2 saltsalt -id -t 2 -m 8 -p 1 -l 24 -e
        let kept = "$argon2id$v=19$m=256,t=2,p=1$c2FsdHNhbHQ$mdagG53WeWlHhlW/NGt0Y25VLjS8m/nx";
        assert_eq!(verify(kept, "password"), Ok(true));
        assert_eq!(verify(kept, "passwort"), Ok(false));
    }

    #[test]
    fn what_is_no_hash_is_an_error() {
        for bad in [
            "",
            "password",
            "$argon2id$",
            "$argon2id$v=19$m=19456,t=2,p=1$",
        ] {
            assert!(
                matches!(verify(bad, "x"), Err(HashError::BadHash(_))),
                "{bad:?} {:?}",
                verify(bad, "x")
            );
        }
    }
}

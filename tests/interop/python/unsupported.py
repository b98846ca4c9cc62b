"""What the sandbox does not have, and says so."""

from referee import fails, test


@test("session trees are not supported")
async def unsupported(sandbox):
    session = await sandbox.session("admin")
    for call in (
        session.session_trees.get_session_tree_branches_with_mappings(),
        session.session_trees.get_branch_mapping_table("a"),
    ):
        await fails(call, "ServiceMessageError", "session trees are not supported by the sandbox")

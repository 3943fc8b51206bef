//! Applying a sorted batch of changes: each node on a changed path is rebuilt, and hashed, once.

use super::node::{Encoder, MissingNode, Node, Root, Value};
use super::Key;
use alloc::{borrow::Cow, rc::Rc, vec::Vec};

type Change<V> = (Key, Option<V>);

/// A node, the depth that it was built for, and a key with the nibbles that lead there.
type Placed<V> = (Rc<Node<V>>, usize, Key);

/// The trie after `changes`, which are sorted by key, without duplicates; `None` removes a key.
pub fn update<V: Value>(
    root: &Root<V>,
    changes: &[Change<V>],
    encoder: &mut Encoder,
) -> Result<Root<V>, MissingNode> {
    apply(root, 0, changes, encoder)
}

fn apply<V: Value>(
    node: &Root<V>,
    depth: usize,
    changes: &[Change<V>],
    encoder: &mut Encoder,
) -> Result<Root<V>, MissingNode> {
    if changes.is_empty() {
        return Ok(node.clone());
    }
    let Some(node) = node.as_deref() else {
        return Ok(build(depth, &without_removals(changes), encoder));
    };
    encoder.touch(node);
    match node {
        Node::Leaf { key, value, .. } => Ok(build(depth, &with_leaf(key, value, changes), encoder)),
        Node::Extension {
            key, end, child, ..
        } => apply_to_extension(key, *end as usize, child, depth, changes, encoder),
        Node::Branch { children, .. } => {
            let rest = apply_to_children(children.clone(), depth, changes, encoder)?;
            rest.map(|placed| attach(depth, placed, encoder))
                .transpose()
        }
        Node::Unresolved { .. } => Err(MissingNode),
    }
}

fn apply_to_extension<V: Value>(
    key: &Key,
    end: usize,
    child: &Rc<Node<V>>,
    depth: usize,
    changes: &[Change<V>],
    encoder: &mut Encoder,
) -> Result<Root<V>, MissingNode> {
    let first_split = key.common_prefix(&changes[0].0, depth);
    let last_split = key.common_prefix(&changes[changes.len() - 1].0, depth);
    let split = first_split.min(last_split);

    let rest = if split >= end {
        let below = apply(&Some(child.clone()), end, changes, encoder)?;
        below.map(|node| (node, end, *key))
    } else {
        let mut children: [Root<V>; 16] = Default::default();
        children[key.nibble(split)] = Some(extend(split + 1, end, child.clone(), key, encoder));
        apply_to_children(children, split, changes, encoder)?
    };
    rest.map(|placed| attach(depth, placed, encoder))
        .transpose()
}

/// Changes the children of a branch at `depth`; returns what is left of it.
fn apply_to_children<V: Value>(
    mut children: [Root<V>; 16],
    depth: usize,
    changes: &[Change<V>],
    encoder: &mut Encoder,
) -> Result<Option<Placed<V>>, MissingNode> {
    for group in changes.chunk_by(|left, right| left.0.nibble(depth) == right.0.nibble(depth)) {
        let nibble = group[0].0.nibble(depth);
        children[nibble] = apply(&children[nibble], depth + 1, group, encoder)?;
    }

    let path = changes[0].0;
    if children.iter().flatten().nth(1).is_some() {
        return Ok(Some((Node::branch(children, encoder), depth, path)));
    }
    let only = (0..16).find_map(|nibble| Some((nibble, children[nibble].take()?)));
    Ok(only.map(|(nibble, child)| (child, depth + 1, path.with_nibble(depth, nibble))))
}

/// A node that was built for the depth that it comes with, made to start at `depth` above it.
fn attach<V: Value>(
    depth: usize,
    (node, node_depth, path): Placed<V>,
    encoder: &mut Encoder,
) -> Result<Rc<Node<V>>, MissingNode> {
    if depth == node_depth {
        return Ok(node);
    }
    encoder.touch(&node);
    match &*node {
        Node::Leaf { key, value, .. } => Ok(Node::leaf(*key, value.clone(), depth, encoder)),
        Node::Extension {
            key, end, child, ..
        } => Ok(extend(depth, *end as usize, child.clone(), key, encoder)),
        Node::Branch { .. } => Ok(extend(depth, node_depth, node, &path, encoder)),
        Node::Unresolved { .. } => Err(MissingNode),
    }
}

/// The branch at `branch_depth`, with an extension above it if it has to start at `depth`.
///
/// `path` has the nibbles that lead to the branch.
fn extend<V: Value>(
    depth: usize,
    branch_depth: usize,
    branch: Rc<Node<V>>,
    path: &Key,
    encoder: &mut Encoder,
) -> Rc<Node<V>> {
    if depth == branch_depth {
        return branch;
    }
    Node::extension(*path, depth, branch_depth, branch, encoder)
}

/// A new subtree over insertions only.
fn build<V: Value>(depth: usize, items: &[Change<V>], encoder: &mut Encoder) -> Root<V> {
    let (first, last) = (items.first()?, items.last()?);
    if items.len() == 1 {
        let (key, value) = first;
        return value
            .clone()
            .map(|value| Node::leaf(*key, value, depth, encoder));
    }
    let split = first.0.common_prefix(&last.0, depth);
    let mut children: [Root<V>; 16] = Default::default();
    for group in items.chunk_by(|left, right| left.0.nibble(split) == right.0.nibble(split)) {
        children[group[0].0.nibble(split)] = build(split + 1, group, encoder);
    }
    let branch = Node::branch(children, encoder);
    Some(extend(depth, split, branch, &first.0, encoder))
}

fn without_removals<V: Value>(changes: &[Change<V>]) -> Cow<'_, [Change<V>]> {
    if changes.iter().all(|(_, value)| value.is_some()) {
        return Cow::Borrowed(changes);
    }
    Cow::Owned(
        changes
            .iter()
            .filter(|(_, value)| value.is_some())
            .cloned()
            .collect(),
    )
}

/// The insertions among `changes`, and the leaf that was there unless they change it.
fn with_leaf<'a, V: Value>(key: &Key, value: &V, changes: &'a [Change<V>]) -> Cow<'a, [Change<V>]> {
    let position = match changes.binary_search_by(|(changed, _)| changed.cmp(key)) {
        Ok(_) => return without_removals(changes),
        Err(position) => position,
    };
    let mut items: Vec<Change<V>> = Vec::with_capacity(changes.len() + 1);
    items.extend_from_slice(&changes[..position]);
    items.push((*key, Some(value.clone())));
    items.extend_from_slice(&changes[position..]);
    items.retain(|(_, value)| value.is_some());
    Cow::Owned(items)
}

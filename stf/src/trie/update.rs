//! Applying a sorted batch of changes: each node on a changed path is rebuilt, and hashed, once.

use super::node::{Encoder, Node, Root, Value};
use super::Key;
use alloc::{borrow::Cow, rc::Rc, vec::Vec};

type Change<V> = (Key, Option<V>);

/// The trie after `changes`, which are sorted by key, without duplicates; `None` removes a key.
pub fn update<V: Value>(root: &Root<V>, changes: &[Change<V>], encoder: &mut Encoder) -> Root<V> {
    apply(root, 0, changes, encoder)
}

fn apply<V: Value>(
    node: &Root<V>,
    depth: usize,
    changes: &[Change<V>],
    encoder: &mut Encoder,
) -> Root<V> {
    if changes.is_empty() {
        return node.clone();
    }
    match node.as_deref() {
        None => build(depth, &without_removals(changes), encoder),
        Some(Node::Leaf { key, value, .. }) => {
            build(depth, &with_leaf(key, value, changes), encoder)
        }
        Some(Node::Extension {
            key, end, child, ..
        }) => apply_to_extension(key, *end as usize, child, depth, changes, encoder),
        Some(Node::Branch { children, .. }) => {
            apply_to_children(children.clone(), depth, changes, encoder)
                .map(|(child, child_depth)| attach(depth, child_depth, child, encoder))
        }
    }
}

fn apply_to_extension<V: Value>(
    key: &Key,
    end: usize,
    child: &Rc<Node<V>>,
    depth: usize,
    changes: &[Change<V>],
    encoder: &mut Encoder,
) -> Root<V> {
    let first_split = key.common_prefix(&changes[0].0, depth);
    let last_split = key.common_prefix(&changes[changes.len() - 1].0, depth);
    let split = first_split.min(last_split);

    if split >= end {
        let below = apply(&Some(child.clone()), end, changes, encoder)?;
        return Some(attach(depth, end, below, encoder));
    }

    let mut children: [Root<V>; 16] = Default::default();
    children[key.nibble(split)] = Some(attach(split + 1, end, child.clone(), encoder));
    apply_to_children(children, split, changes, encoder)
        .map(|(node, node_depth)| attach(depth, node_depth, node, encoder))
}

/// Changes the children of a branch at `depth`; returns what is left and the depth it starts at.
fn apply_to_children<V: Value>(
    mut children: [Root<V>; 16],
    depth: usize,
    changes: &[Change<V>],
    encoder: &mut Encoder,
) -> Option<(Rc<Node<V>>, usize)> {
    for group in changes.chunk_by(|left, right| left.0.nibble(depth) == right.0.nibble(depth)) {
        let nibble = group[0].0.nibble(depth);
        children[nibble] = apply(&children[nibble], depth + 1, group, encoder);
    }

    let count = children.iter().flatten().count();
    match count {
        0 => None,
        1 => children
            .into_iter()
            .flatten()
            .next()
            .map(|child| (child, depth + 1)),
        _ => Some((Node::branch(children, encoder), depth)),
    }
}

/// A node that was built for `child_depth`, made to start at `depth` above it.
fn attach<V: Value>(
    depth: usize,
    child_depth: usize,
    child: Rc<Node<V>>,
    encoder: &mut Encoder,
) -> Rc<Node<V>> {
    if depth == child_depth {
        return child;
    }
    match &*child {
        Node::Leaf { key, value, .. } => Node::leaf(*key, value.clone(), depth, encoder),
        Node::Extension {
            key, end, child, ..
        } => Node::extension(*key, depth, *end as usize, child.clone(), encoder),
        Node::Branch { .. } => {
            Node::extension(*child.any_key(), depth, child_depth, child.clone(), encoder)
        }
    }
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
    Some(attach(depth, split, branch, encoder))
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

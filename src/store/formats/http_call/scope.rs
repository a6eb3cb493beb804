//! The variables that a text sets. A value contains the values that its variables had when it was set.

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use super::{
    super::values::text_literal::SourceLanguage,
    expression::{Argument, Expression, MAX_DEPTH, arguments, expression, name},
};

/// The limit on the total size of the values used, in bytes, because a text may use a large one many times.
const MAX_USED: usize = 64 << 20;

/// How many members an object may have before no more are added.
const MAX_MEMBERS: usize = 1024;

/// How many dots of a name are considered.
const MAX_DOTS: usize = 8;

/// The variables set so far.
pub(super) struct Scope {
    variables: BTreeMap<String, Variable>,
    /// How many bytes of values may still be used.
    left: usize,
}

/// The value of a variable.
struct Variable {
    value: Expression,
    size: Size,
    /// For the value itself, and then each object in it, whether it was changed after being filled in.
    changed: Vec<Rc<Cell<bool>>>,
}

/// How large an expression is.
#[derive(Clone, Copy, Default)]
struct Size {
    /// The approximate memory, in bytes.
    bytes: usize,
    /// The depth of nesting.
    depth: usize,
}

impl Size {
    /// The size together with a nested expression.
    fn and(self, inside: Self) -> Self {
        Self { bytes: self.bytes + inside.bytes, depth: self.depth.max(inside.depth + 1) }
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self { variables: BTreeMap::new(), left: MAX_USED }
    }
}

impl Scope {
    /// Reads the statement at the start of a text, if it sets or changes a variable. Returns the rest of its last line;
    /// `None` if it has no end.
    pub fn statement<'t>(&mut self, text: &'t str, language: SourceLanguage) -> Option<&'t str> {
        let declared = text.trim_start_matches([' ', '\t']);
        let mut code = declared;
        for word in ["export ", "const ", "let ", "var ", "del ", "delete "] {
            code = code.strip_prefix(word).unwrap_or(code);
        }
        let is_deleted = declared.starts_with("del");
        let variable = name(code);
        let after = &code[variable.len()..];
        if variable.is_empty() {
            return Some(text);
        }
        // `headers.append("X-A", "b")` and `headers["X-A"] = "b"`
        if let Some((object, method @ ("append" | "set"))) = variable.rsplit_once('.')
            && after.starts_with('(')
        {
            let (mut found, rest) = arguments(after, language)?;
            match (found.pop(), found.pop().map(|argument| argument.value)) {
                (Some(Argument { value, .. }), Some(Expression::Text(key))) if found.is_empty() => {
                    self.add(object, key, value, method == "append");
                }
                _ => self.forget(object),
            }
            return Some(rest);
        }
        let updated = variable.strip_suffix(".update").filter(|_| language == SourceLanguage::Python);
        if let Some(object) = updated.filter(|_| after.starts_with('(')) {
            let (mut found, rest) = arguments(after, language)?;
            self.update(object, found.pop().filter(|_| found.is_empty()));
            return Some(rest);
        }
        if let Some(key) = after.strip_prefix('[') {
            let (key, rest) = expression(key, language)?;
            let value = rest.strip_prefix(']').map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
            let (Expression::Text(key), Some(value)) = (key, value.filter(|value| !value.starts_with('='))) else {
                self.forget(variable);
                return Some(rest);
            };
            let (value, rest) = expression(value, language)?;
            self.add(variable, key, value, false);
            return Some(rest);
        }
        // A type annotation may precede the value.
        let may_have_type = language == SourceLanguage::Python || code.len() < declared.len();
        // The statement may be one of several on a line.
        let statement = &after[..after.find(['\n', ';']).unwrap_or(after.len())];
        let is_set = |at: usize| statement[..at].trim().is_empty() || may_have_type && statement.starts_with(':');
        let value = statement.find('=').filter(|at| is_set(*at)).map(|at| &after[at + 1..]);
        let Some(value) = value.filter(|value| !value.starts_with(['=', '>'])) else {
            if is_deleted || is_change(statement.trim()) {
                self.forget(variable);
            }
            return Some(text);
        };
        let (value, rest) = expression(value, language)?;
        match variable.rsplit_once('.') {
            Some((object, key)) if language == SourceLanguage::JavaScript && self.variables.contains_key(object) => {
                self.add(object, key.to_owned(), value, false);
            }
            _ => self.set(variable, value),
        }
        Some(rest)
    }

    /// Sets a variable to a copy of a value.
    pub fn define(&mut self, name: String, mut value: Expression) {
        let size = self.fill(&mut value, &mut Vec::new());
        self.variables.insert(name, Variable { value, size, changed: vec![Rc::default()] });
    }

    /// Adds the members of a literal object to another one, or replaces them.
    fn update(&mut self, object: &str, argument: Option<Argument>) {
        let Some(Argument { name: None, mut value }) = argument else { return self.forget(object) };
        self.fill(&mut value, &mut Vec::new());
        let Expression::Object(members) = value else { return self.forget(object) };
        for (key, value) in members {
            self.add(object, key, value, false);
        }
    }

    /// Sets a variable, or a member of an unknown one.
    fn set(&mut self, name: &str, mut value: Expression) {
        let is_alias = matches!(value, Expression::Name(_));
        let mut changed = if is_alias { Vec::new() } else { vec![Rc::default()] };
        let size = self.fill(&mut value, &mut changed);
        match name.split_once('.') {
            Some((object, _)) => self.forget(object),
            None => self.forget_members(name),
        }
        if changed.is_empty() || size.depth > MAX_DEPTH {
            self.variables.remove(name);
        } else {
            self.variables.insert(name.to_owned(), Variable { value, size, changed });
        }
    }

    /// Adds a member to an object, which may be `new Headers()`, or replaces it.
    fn add(&mut self, object: &str, key: String, mut value: Expression, is_more: bool) {
        let mut inside = Vec::new();
        let size = self.fill(&mut value, &mut inside);
        let Some(mut variable) = self.take(object) else { return self.forget(object) };
        let found = match &mut variable.value {
            Expression::Call(function, arguments) if matches!(function.as_str(), "Headers" | "URLSearchParams") => {
                if arguments.is_empty() {
                    arguments.push(Argument { name: None, value: Expression::Object(Vec::new()) });
                }
                &mut arguments[0].value
            }
            found => found,
        };
        let Expression::Object(members) = found else { return };
        if members.len().max(variable.changed.len()) > MAX_MEMBERS {
            return;
        }
        variable.size = variable.size.and(size);
        variable.size.bytes += key.len();
        variable.changed.extend(inside);
        if !is_more {
            members.retain(|(known, _)| *known != key);
        }
        members.push((key, value));
        if variable.size.depth <= MAX_DEPTH {
            self.variables.insert(object.to_owned(), variable);
        }
    }

    /// Forgets the variable that a statement may change, and everything that contains it. The name may be followed by
    /// names of members.
    fn forget(&mut self, name: &str) {
        let dots = name.match_indices('.').map(|(at, _)| at).take(MAX_DOTS).chain([name.len()]);
        dots.for_each(|end| drop(self.take(&name[..end])));
    }

    /// Forgets the members of an object that a variable no longer holds.
    fn forget_members(&mut self, name: &str) {
        // `/` is the character after `.`.
        let members = self.variables.range(format!("{name}.")..format!("{name}/"));
        for member in members.map(|(member, _)| member.clone()).collect::<Vec<_>>() {
            self.variables.remove(&member);
        }
    }

    /// Takes out a variable that is about to be changed, and marks everything that contains it, or is the same object,
    /// as changed.
    fn take(&mut self, name: &str) -> Option<Variable> {
        let mut variable = self.variables.remove(name)?;
        let is_current = variable.is_current();
        if matches!(variable.value, Expression::Object(_) | Expression::List(_) | Expression::Call(..)) {
            variable.changed[0].set(true);
            variable.changed[0] = Rc::default();
        }
        is_current.then_some(variable)
    }

    /// The arguments of a call, with variables replaced by their values.
    pub fn filled(&mut self, mut arguments: Vec<Argument>) -> Vec<Argument> {
        for argument in &mut arguments {
            self.fill(&mut argument.value, &mut Vec::new());
        }
        arguments
    }

    /// Fills in the values of the variables in an expression, and adds the marks of their objects to `changed`. A name
    /// stays if its value isn't known, or the values become too large.
    fn fill(&mut self, found: &mut Expression, changed: &mut Vec<Rc<Cell<bool>>>) -> Size {
        let own = Size { bytes: size_of::<Expression>(), depth: 0 };
        match found {
            Expression::Name(name) => {
                if let Some(variable) = self.variables.get(name)
                    && let Some(left) = self.left.checked_sub(variable.size.bytes)
                    && variable.is_current()
                {
                    self.left = left;
                    changed.extend(variable.changed.iter().cloned());
                    *found = variable.value.clone();
                    return variable.size;
                }
                own
            }
            Expression::List(items) => items.iter_mut().fold(own, |size, item| size.and(self.fill(item, changed))),
            Expression::Joined(parts) => {
                let size = parts.iter_mut().fold(own, |size, part| size.and(self.fill(part, changed)));
                let text =
                    |part: &Expression| if let Expression::Text(text) = part { Some(text.clone()) } else { None };
                match parts.iter().map(text).collect() {
                    Some(text) => {
                        *found = Expression::Text(text);
                        Size { depth: 0, ..size }
                    }
                    None => size,
                }
            }
            Expression::Object(members) => members.iter_mut().fold(own, |size, (key, value)| {
                let inside = self.fill(value, changed);
                size.and(Size { bytes: key.len() + inside.bytes, ..inside })
            }),
            Expression::Call(_, arguments) => {
                arguments.iter_mut().fold(own, |size, argument| size.and(self.fill(&mut argument.value, changed)))
            }
            Expression::Text(text) | Expression::Number(Some(text)) => Size { bytes: own.bytes + text.len(), ..own },
            Expression::Bytes(bytes) => Size { bytes: own.bytes + bytes.len(), ..own },
            Expression::Number(None) | Expression::Constant(_) | Expression::Other => own,
        }
    }
}

impl Variable {
    /// Whether nothing in it has been changed since it was set.
    fn is_current(&self) -> bool {
        !self.changed.iter().any(|changed| changed.get())
    }
}

/// Whether the text after a variable's name may change it: a method, an operator before `=`, or more variables.
fn is_change(after: &str) -> bool {
    let operator = after.split('=').next().filter(|operator| operator.len() < after.len());
    after.starts_with('(')
        || after.starts_with(',') && operator.is_some()
        || after.starts_with("++")
        || after.starts_with("--")
        || operator.is_some_and(|operator| {
            !operator.is_empty() && operator.bytes().all(|byte| b"+-*/%&|^<>?@".contains(&byte))
        })
}

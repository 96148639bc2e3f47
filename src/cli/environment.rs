//! Options from the environment: each can also be set as `JINGWEN_…`, which is how containers are configured.

use clap::builder::FalseyValueParser;
use clap::{Arg, ArgAction, Command};

/// Gives every option of every command the variable of its name: `--log-format` is `JINGWEN_LOG_FORMAT`. The command line
/// wins over it.
pub fn with_variables(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = command.mut_args(with_variable);
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_variables))
}

fn with_variable(arg: Arg) -> Arg {
    let Some(long) = arg.get_long().filter(|long| !matches!(*long, "help" | "version")) else { return arg };
    let variable = format!("JINGWEN_{}", long.replace('-', "_").to_uppercase());
    let action = arg.get_action().clone();
    // Said once in the documentation and not in every line of the help.
    let arg = arg.env(variable).hide_env(true);
    match action {
        ArgAction::SetTrue => arg.value_parser(FalseyValueParser::new()),
        ArgAction::Append => arg.value_delimiter(','),
        _ => arg,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_option_has_a_variable() {
        let command = crate::cli::command();
        for sub in command.get_subcommands() {
            for arg in sub.get_arguments().filter(|arg| arg.get_long().is_some_and(|l| l != "help" && l != "version")) {
                let name = arg.get_env().and_then(|name| name.to_str()).unwrap_or_default();
                assert!(name.starts_with("JINGWEN_"), "{} {}", sub.get_name(), arg.get_id());
            }
        }
    }
}

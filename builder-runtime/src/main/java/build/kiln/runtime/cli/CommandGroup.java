package build.kiln.runtime.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A command that only has other commands, such as {@code kiln system}. */
final class CommandGroup implements Command {
  private final String[] about;
  private final Map<String, Command> commands = new LinkedHashMap<>();

  @SuppressWarnings("NullAway.Init") // a command says its syntax before it is called
  private Syntax syntax;

  CommandGroup(String... about) {
    this.about = about;
  }

  CommandGroup with(String name, Command command) {
    commands.put(name, command);
    return this;
  }

  @Override
  public void syntax(Syntax syntax) {
    this.syntax = syntax.about(about);
    for (var command : commands.entrySet()) {
      syntax.command(command.getKey(), command.getValue());
    }
  }

  @Override
  public Integer call() {
    List<String> names = new ArrayList<>(commands.keySet());
    String last = names.removeLast();
    throw syntax.wrong(
        "a command is missing: "
            + (names.isEmpty() ? last : String.join(", ", names) + " or " + last));
  }
}

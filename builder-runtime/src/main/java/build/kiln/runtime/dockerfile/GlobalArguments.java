package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Instruction.Arg;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The values of the ARGs before the first FROM, which FROM sees and a stage gets by {@code ARG
 * name}.
 *
 * @param values by name; an argument without a value is not in it
 * @param declared the names that an ARG declares, with a value or without
 */
public record GlobalArguments(Map<String, String> values, Set<String> declared)
    implements Function<String, Optional<String>> {
  public GlobalArguments {
    values = Map.copyOf(values);
    declared = Set.copyOf(declared);
  }

  /**
   * Goes through the ARGs in order: the build argument if there is one, else the default, which may
   * name arguments before it. A default that a build argument replaces is not looked at.
   *
   * @param predefined the values of {@link PredefinedArguments#PLATFORM}; a build argument wins
   * @throws DockerfileException if a default cannot be expanded
   */
  public static GlobalArguments resolve(
      Dockerfile dockerfile, Map<String, String> predefined, Map<String, String> buildArgs) {
    var values = new LinkedHashMap<String, String>(predefined);
    values.replaceAll((name, value) -> buildArgs.getOrDefault(name, value));
    var declared = new LinkedHashSet<String>();
    Expansion expansion = Expansion.of(dockerfile.directives().escape());
    for (Arg arg : dockerfile.globalArgs()) {
      for (Arg.Declaration declaration : arg.declarations()) {
        declared.add(declaration.name());
        String given = buildArgs.get(declaration.name());
        if (given != null) {
          values.put(declaration.name(), given);
        } else {
          declaration
              .defaultValue()
              .map(word -> expansion.expand(word, name -> Optional.ofNullable(values.get(name))))
              .ifPresent(word -> values.put(declaration.name(), word.text()));
        }
      }
    }
    return new GlobalArguments(values, declared);
  }

  @Override
  public Optional<String> apply(String name) {
    return Optional.ofNullable(values.get(name));
  }
}

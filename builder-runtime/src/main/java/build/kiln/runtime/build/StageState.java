package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.layer.Layer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;

/** Where a stage stands: its files, its configuration, the arguments in scope. One thread's. */
final class StageState {
  private final ConfigDraft config;
  private final SequencedMap<String, Optional<String>> args;
  private final long time;
  private StageFiles files;

  /**
   * @param args those of the base stage; its environment wins over them
   * @param time what steps date the directories with that they make, in seconds: a fixed one, so
   *     that the same inputs give the same layers
   */
  StageState(
      StageFiles files, ConfigDraft config, Map<String, Optional<String>> args, long time) {
    this.files = files;
    this.config = config;
    this.args = new LinkedHashMap<>();
    args.forEach(
        (name, value) ->
            this.args.put(name, config.env().containsKey(name) ? Optional.empty() : value));
    this.time = time;
  }

  StageFiles files() {
    return files;
  }

  ConfigDraft config() {
    return config;
  }

  long time() {
    return time;
  }

  void add(Layer layer) {
    files = files.with(layer);
  }

  /**
   * The arguments in scope, in the order of their declarations. One without a value was declared
   * without, or an ENV of the same name came after it.
   */
  SequencedMap<String, Optional<String>> args() {
    return args;
  }

  /** Declares an argument; one without a value keeps the value that the name has. */
  void declare(String name, Optional<String> value) {
    if (value.isPresent() || !args.containsKey(name)) {
      args.put(name, value);
    }
  }

  /** Sets variables of the environment, which are no arguments' from now on. */
  void env(Instruction.Env instruction) {
    config.env(instruction);
    instruction
        .assignments()
        .forEach(a -> args.computeIfPresent(a.name().text(), (name, value) -> Optional.empty()));
  }

  /** What words of an instruction see: of ARG and ENV of a name the later one. */
  Function<String, Optional<String>> variables() {
    return name ->
        args.getOrDefault(name, Optional.empty())
            .or(() -> Optional.ofNullable(config.env().get(name)));
  }

  /** The same as an environment. */
  SequencedMap<String, String> environment() {
    var environment = new LinkedHashMap<>(config.env());
    args.forEach((name, value) -> value.ifPresent(text -> environment.put(name, text)));
    return environment;
  }

  /** The arguments as RUN sees them, as {@code NAME=value}; for the history. */
  List<String> visibleArgs() {
    return args.keySet().stream()
        .map(name -> name + "=" + variables().apply(name).orElse(""))
        .toList();
  }

  /** A hash of all files there are: the digests of the layers' contents, base first. */
  String chain() {
    var hash = new KeyHash("layers.1");
    files.layers().forEach(layer -> hash.add(layer.diffId().toString()));
    return hash.hex();
  }
}

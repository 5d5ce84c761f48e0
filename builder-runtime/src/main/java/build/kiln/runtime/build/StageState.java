package build.kiln.runtime.build;

import build.kiln.runtime.cache.StepInputs.Parent;
import build.kiln.runtime.dockerfile.Expansion;
import build.kiln.runtime.dockerfile.GlobalArguments;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.layer.Layer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Where a stage stands: its files, its configuration, the arguments in scope. One thread's. */
final class StageState {
  private final ConfigDraft config;
  private final SequencedMap<String, Optional<String>> args;
  private final long time;
  private StageFiles files;
  private Origin origin;
  private @Nullable String unknownSince;
  private boolean inImage;

  /**
   * What the files came from last.
   *
   * @param digest an image's; null for a step
   */
  record Origin(Parent.Kind kind, String name, @Nullable String digest) {}

  /**
   * @param origin of the files
   * @param args those of the base stage; its environment wins over them
   * @param time what steps date the directories with that they make, in seconds: a fixed one, so
   *     that the same inputs give the same layers
   */
  StageState(
      StageFiles files,
      Origin origin,
      ConfigDraft config,
      Map<String, Optional<String>> args,
      long time) {
    this.files = files;
    this.origin = origin;
    this.config = config;
    this.args = new LinkedHashMap<>();
    args.forEach(
        (name, value) ->
            this.args.put(name, config.env().containsKey(name) ? Optional.empty() : value));
    this.time = time;
  }

  /** Says that the layers which steps make from now on are the image's. */
  void becomesImage() {
    inImage = true;
  }

  /** Whether a layer that a step makes is the image's; else only other stages read it. */
  boolean isInImage() {
    return inImage;
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

  /**
   * @param instruction that made it
   */
  void add(Layer layer, String instruction) {
    files = files.with(layer);
    origin = new Origin(Parent.Kind.STEP, instruction, null);
  }

  Origin origin() {
    return origin;
  }

  /** What the next step builds on. */
  Parent parent() {
    return new Parent(origin.kind(), origin.name(), origin.digest(), chain());
  }

  /** The step since which files are not known; null if they are. Only where nothing is done. */
  @Nullable String unknownSince() {
    return unknownSince;
  }

  void unknownSince(@Nullable String instruction) {
    if (unknownSince == null) {
      unknownSince = instruction;
    }
  }

  /**
   * The arguments in scope, in the order of their declarations. One without a value was declared
   * without, or an ENV of the same name came after it.
   */
  SequencedMap<String, Optional<String>> args() {
    return args;
  }

  /** Declares an argument; one without a value keeps the value that the name has. */
  private void declare(String name, Optional<String> value) {
    if (value.isPresent() || !args.containsKey(name)) {
      args.put(name, value);
    }
  }

  /**
   * Declares what an ARG says, word by word: each sees those before it, and a default that is
   * replaced is not looked at.
   *
   * @param given the build arguments
   * @param globals the arguments before the first FROM
   * @return the words as the history has them
   */
  List<String> declare(
      Instruction.Arg instruction,
      Map<String, String> given,
      GlobalArguments globals,
      Expansion expansion) {
    var shown = new ArrayList<String>();
    for (Instruction.Arg.Declaration declaration : instruction.declarations()) {
      String name = declaration.name();
      Optional<String> value =
          Optional.ofNullable(given.get(name))
              .or(
                  () ->
                      declaration
                          .defaultValue()
                          .map(word -> expansion.expand(word, variables()).text()))
              .or(() -> globals.apply(name));
      declare(name, value);
      shown.add(value.map(text -> name + "=" + text).orElse(name));
    }
    return shown;
  }

  /** Sets variables of the environment, which are no arguments' from now on. */
  void env(Instruction.Env instruction) {
    config.env(instruction);
    instruction
        .assignments()
        .forEach(a -> args.computeIfPresent(a.name().text(), (name, value) -> Optional.empty()));
  }

  /** What a WORKDIR makes the working directory: an absolute path, as it is written. */
  String workdir(Instruction.Workdir instruction) {
    String text = instruction.path().text();
    // BuildKit leaves an absolute path as it is written.
    return text.startsWith("/") ? text : "/" + Paths.absolute(config.workdir(), text);
  }

  /** What words of an instruction see: of ARG and ENV of a name the later one. */
  Function<String, Optional<String>> variables() {
    return name ->
        args.getOrDefault(name, Optional.empty())
            .or(() -> Optional.ofNullable(config.env().get(name)));
  }

  /** The arguments that have a value. */
  SequencedMap<String, String> values() {
    var values = new LinkedHashMap<String, String>();
    args.forEach((name, value) -> value.ifPresent(text -> values.put(name, text)));
    return values;
  }

  /** The same as an environment. */
  SequencedMap<String, String> environment() {
    var environment = new LinkedHashMap<>(config.env());
    environment.putAll(values());
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

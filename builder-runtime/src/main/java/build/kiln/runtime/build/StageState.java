package build.kiln.runtime.build;

import build.kiln.runtime.cache.StepInputs.Parent;
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
  private final SequencedMap<String, String> args;
  private final long time;
  private StageFiles files;
  private Origin origin;
  private @Nullable String unknownSince;

  /**
   * What the files came from last.
   *
   * @param digest an image's; null for a step
   */
  record Origin(Parent.Kind kind, String name, @Nullable String digest) {}

  /**
   * @param origin of the files
   * @param args those of the base stage
   * @param time what steps date the directories with that they make, in seconds: a fixed one, so
   *     that the same inputs give the same layers
   */
  StageState(
      StageFiles files, Origin origin, ConfigDraft config, Map<String, String> args, long time) {
    this.files = files;
    this.origin = origin;
    this.config = config;
    this.args = new LinkedHashMap<>(args);
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

  /** The arguments in scope that have a value, in the order of their declarations. */
  SequencedMap<String, String> args() {
    return args;
  }

  /** What words of an instruction see: the environment wins over arguments. */
  Function<String, Optional<String>> variables() {
    return name ->
        Optional.ofNullable(config.env().get(name)).or(() -> Optional.ofNullable(args.get(name)));
  }

  /** The arguments that RUN sees, as {@code NAME=value}. */
  List<String> visibleArgs() {
    var visible = new ArrayList<String>();
    args.forEach(
        (name, value) -> {
          if (!config.env().containsKey(name)) {
            visible.add(name + "=" + value);
          }
        });
    return visible;
  }

  /** A hash of all files there are: the digests of the layers' contents, base first. */
  String chain() {
    var hash = new KeyHash("layers.1");
    files.layers().forEach(layer -> hash.add(layer.diffId().toString()));
    return hash.hex();
  }
}

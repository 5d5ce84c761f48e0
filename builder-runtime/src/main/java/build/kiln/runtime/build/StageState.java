package build.kiln.runtime.build;

import build.kiln.runtime.layer.Layer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;

/** Where a stage stands: its files, its configuration, the arguments in scope. One thread's. */
final class StageState {
  private final ConfigDraft config;
  private final SequencedMap<String, String> args;
  private final long time;
  private StageFiles files;

  /**
   * @param args those of the base stage
   * @param time what steps date the directories with that they make, in seconds: a fixed one, so
   *     that the same inputs give the same layers
   */
  StageState(StageFiles files, ConfigDraft config, Map<String, String> args, long time) {
    this.files = files;
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

  void add(Layer layer) {
    files = files.with(layer);
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

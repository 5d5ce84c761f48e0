package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.CommandLine;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import build.kiln.runtime.oci.ImageConfig.Healthcheck;
import build.kiln.runtime.oci.ImageConfig.History;
import build.kiln.runtime.oci.ImageConfig.RootFs;
import build.kiln.runtime.oci.Platform;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** An image's configuration while a stage changes it. For one thread at a time. */
final class ConfigDraft {
  static final String DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  private static final List<String> DEFAULT_SHELL = List.of("/bin/sh", "-c");
  private static final String COMMENT = "kiln.dockerfile.v0";

  private final ImageConfig base;
  private final SequencedMap<String, String> env = new LinkedHashMap<>();
  private final TreeMap<String, String> labels = new TreeMap<>();
  private final TreeMap<String, Map<String, String>> ports = new TreeMap<>();
  private final TreeMap<String, Map<String, String>> volumes = new TreeMap<>();
  private final List<String> onBuild = new ArrayList<>();
  private final List<History> history = new ArrayList<>();

  /** How much of the history is the base's. */
  private final int inherited;

  private @Nullable String author;
  private @Nullable String user;
  private @Nullable String workdir;
  private @Nullable List<String> entrypoint;
  private @Nullable List<String> cmd;
  private @Nullable Boolean argsEscaped;
  private boolean cmdSet;
  private @Nullable Healthcheck healthcheck;
  private @Nullable String stopSignal;
  private @Nullable List<String> shell;
  private @Nullable String created;

  /** When the first change was made, as long as there is no layer. */
  private @Nullable String withoutLayer;

  private ConfigDraft(ImageConfig base) {
    this.base = base;
    ContainerConfig c = Optional.ofNullable(base.config()).orElseGet(ContainerConfig::empty);
    orEmpty(c.env()).forEach(this::setEnv);
    labels.putAll(orEmpty(c.labels()));
    ports.putAll(orEmpty(c.exposedPorts()));
    volumes.putAll(orEmpty(c.volumes()));
    onBuild.addAll(orEmpty(c.onBuild()));
    history.addAll(orEmpty(base.history()));
    inherited = history.size();
    author = base.author();
    user = c.user();
    workdir = c.workingDir();
    entrypoint = c.entrypoint();
    cmd = c.cmd();
    argsEscaped = c.argsEscaped();
    healthcheck = c.healthcheck();
    stopSignal = c.stopSignal();
    shell = c.shell();
    created = base.created();
  }

  /** That of an image or of another stage, whose platform it keeps. */
  static ConfigDraft of(ImageConfig base) {
    return new ConfigDraft(base);
  }

  /** That of {@code scratch}: PATH and the working directory are set, as BuildKit does. */
  static ConfigDraft scratch(Platform platform) {
    var empty =
        new ImageConfig(
            null,
            null,
            platform.architecture(),
            platform.variant(),
            platform.os(),
            null,
            null,
            null,
            new RootFs(List.of()),
            null);
    var draft = new ConfigDraft(empty);
    draft.env.put("PATH", DEFAULT_PATH);
    draft.workdir = "/";
    return draft;
  }

  private static <T> List<T> orEmpty(@Nullable List<T> list) {
    return list == null ? List.of() : list;
  }

  private static <V> Map<String, V> orEmpty(@Nullable Map<String, V> map) {
    return map == null ? Map.of() : map;
  }

  private void setEnv(String assignment) {
    int equals = assignment.indexOf('=');
    if (equals > 0) {
      env.put(assignment.substring(0, equals), assignment.substring(equals + 1));
    }
  }

  /** What it runs on. */
  Platform platform() {
    return base.platform();
  }

  /** The environment in order. */
  SequencedMap<String, String> env() {
    return env;
  }

  String user() {
    return user == null ? "" : user;
  }

  /** Absolute. */
  String workdir() {
    return workdir == null || workdir.isEmpty() ? "/" : workdir;
  }

  void workdir(String absolute) {
    workdir = absolute;
  }

  List<String> shell() {
    return shell == null || shell.isEmpty() ? DEFAULT_SHELL : shell;
  }

  /** The triggers that a stage based on this must run, which are not in the new image. */
  List<String> takeTriggers() {
    var triggers = List.copyOf(onBuild);
    onBuild.clear();
    return triggers;
  }

  void env(Instruction.Env instruction) {
    instruction.assignments().forEach(a -> env.put(a.name().text(), a.value().text()));
  }

  void label(String name, String value) {
    labels.put(name, value);
  }

  void user(String text) {
    user = text;
  }

  void cmd(CommandLine command) {
    List<String> words = command.arguments(shell());
    cmd = words.isEmpty() ? null : words;
    argsEscaped = true;
    cmdSet = true;
  }

  /** An inherited command belonged to the inherited entrypoint. */
  void entrypoint(CommandLine command) {
    List<String> words = command.arguments(shell());
    entrypoint = words.isEmpty() ? null : words;
    if (!cmdSet) {
      cmd = null;
    }
  }

  void expose(Instruction.Expose instruction) {
    instruction.ports().forEach(port -> ports.put(port.text(), Map.of()));
  }

  void volume(Instruction.Volume instruction) {
    instruction.paths().forEach(path -> volumes.put(path.text(), Map.of()));
  }

  void shell(Instruction.Shell instruction) {
    shell = instruction.command();
  }

  void stopSignal(String signal) {
    stopSignal = signal;
  }

  void healthcheck(Instruction.Healthcheck h) {
    healthcheck =
        new Healthcheck(
            h.test(),
            nanos(h.interval()),
            nanos(h.timeout()),
            nanos(h.startPeriod()),
            nanos(h.startInterval()),
            h.retries() == 0 ? null : h.retries());
  }

  private static @Nullable Long nanos(Duration duration) {
    return duration.isZero() ? null : duration.toNanos();
  }

  void maintainer(String name) {
    author = name;
  }

  void onBuild(String trigger) {
    onBuild.add(trigger);
  }

  /** Says how the newest layer came to be, and when. */
  void step(String createdBy, String when) {
    date(when);
    history.add(new History(when, createdBy, null, COMMENT, null));
    created = when;
  }

  /**
   * Says how the configuration was changed. That takes no time: it has the time of the layer before
   * it, else of the one that follows, so that a build from the cache gives the same image.
   *
   * @param now for an image that has no layer at all
   */
  void change(String createdBy, String now) {
    if (created == null && withoutLayer == null) {
      withoutLayer = now;
    }
    history.add(new History(created, createdBy, null, COMMENT, true));
  }

  /** The same at a time that the build was given. */
  void changeAt(String createdBy, String when) {
    date(when);
    history.add(new History(when, createdBy, null, COMMENT, true));
    created = when;
  }

  /** Gives a time to the changes of the image itself that have none yet. */
  private void date(@Nullable String when) {
    history
        .subList(inherited, history.size())
        .replaceAll(
            change ->
                change.created() != null
                    ? change
                    : new History(
                        when,
                        change.createdBy(),
                        change.author(),
                        change.comment(),
                        change.emptyLayer()));
  }

  /** As it is now, with these layers. */
  ImageConfig build(List<Digest> diffIds) {
    if (created == null) {
      created = withoutLayer;
      date(created);
    }
    var container =
        new ContainerConfig(
            user,
            ports.isEmpty() ? null : new TreeMap<>(ports),
            env.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList(),
            entrypoint,
            cmd,
            healthcheck,
            argsEscaped,
            volumes.isEmpty() ? null : new TreeMap<>(volumes),
            workdir,
            labels.isEmpty() ? null : new TreeMap<>(labels),
            onBuild.isEmpty() ? null : List.copyOf(onBuild),
            stopSignal,
            shell);
    return new ImageConfig(
        created,
        author,
        base.architecture(),
        base.variant(),
        base.os(),
        base.osVersion(),
        base.osFeatures(),
        container,
        new RootFs(diffIds),
        List.copyOf(history));
  }
}

package build.kiln.runtime.oci;

import build.kiln.runtime.oci.JsonRecord.Field;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An image's configuration (OCI image-spec 1.1, config, with Docker's additions Healthcheck,
 * OnBuild and Shell). Immutable; the engine makes new ones.
 */
public record ImageConfig(
    /** RFC 3339, or null when unknown. */
    @Nullable String created,
    @Nullable String author,
    String architecture,
    @Nullable String variant,
    String os,
    @Nullable String osVersion,
    @Nullable List<String> osFeatures,
    @Nullable ContainerConfig config,
    RootFs rootfs,
    @Nullable List<History> history) {

  private static final Field<ImageConfig, String> CREATED =
      Field.of("created", JsonForm.TEXT, ImageConfig::created);
  private static final Field<ImageConfig, String> AUTHOR =
      Field.of("author", JsonForm.TEXT, ImageConfig::author);
  private static final Field<ImageConfig, String> ARCHITECTURE =
      Field.of("architecture", JsonForm.TEXT, ImageConfig::architecture);
  private static final Field<ImageConfig, String> VARIANT =
      Field.of("variant", JsonForm.TEXT, ImageConfig::variant);
  private static final Field<ImageConfig, String> OS =
      Field.of("os", JsonForm.TEXT, ImageConfig::os);
  private static final Field<ImageConfig, String> OS_VERSION =
      Field.of("os.version", JsonForm.TEXT, ImageConfig::osVersion);
  private static final Field<ImageConfig, List<String>> OS_FEATURES =
      Field.of("os.features", JsonForm.TEXTS, ImageConfig::osFeatures);
  private static final Field<ImageConfig, ContainerConfig> CONFIG =
      Field.of("config", ContainerConfig.JSON, ImageConfig::config);
  private static final Field<ImageConfig, RootFs> ROOTFS =
      Field.of("rootfs", RootFs.JSON, ImageConfig::rootfs);
  private static final Field<ImageConfig, List<History>> HISTORY =
      Field.of("history", JsonForm.list(History.JSON), ImageConfig::history);

  /** As the specification and Docker have it. */
  public static final JsonForm<ImageConfig> JSON =
      JsonRecord.of(
          json ->
              new ImageConfig(
                  json.get(CREATED),
                  json.get(AUTHOR),
                  json.get(ARCHITECTURE, ""),
                  json.get(VARIANT),
                  json.get(OS, ""),
                  json.get(OS_VERSION),
                  json.get(OS_FEATURES),
                  json.get(CONFIG),
                  json.get(ROOTFS, RootFs.NONE),
                  json.get(HISTORY)),
          CREATED,
          AUTHOR,
          ARCHITECTURE,
          VARIANT,
          OS,
          OS_VERSION,
          OS_FEATURES,
          CONFIG,
          ROOTFS,
          HISTORY);

  /** Layers by the digest of their uncompressed tar, base first. */
  public record RootFs(String type, List<Digest> diffIds) {
    private static final Field<RootFs, String> TYPE = Field.of("type", JsonForm.TEXT, RootFs::type);
    private static final Field<RootFs, List<Digest>> DIFF_IDS =
        Field.of("diff_ids", JsonForm.list(Digest.JSON), RootFs::diffIds);

    static final JsonForm<RootFs> JSON =
        JsonRecord.of(
            json -> new RootFs(json.get(TYPE, ""), json.get(DIFF_IDS, List.of())), TYPE, DIFF_IDS);

    private static final RootFs NONE = new RootFs(List.of());

    public RootFs(List<Digest> diffIds) {
      this("layers", List.copyOf(diffIds));
    }
  }

  /** How one layer, or one change of the configuration, came to be. */
  public record History(
      @Nullable String created,
      @Nullable String createdBy,
      @Nullable String author,
      @Nullable String comment,
      @Nullable Boolean emptyLayer) {
    private static final Field<History, String> CREATED =
        Field.of("created", JsonForm.TEXT, History::created);
    private static final Field<History, String> CREATED_BY =
        Field.of("created_by", JsonForm.TEXT, History::createdBy);
    private static final Field<History, String> AUTHOR =
        Field.of("author", JsonForm.TEXT, History::author);
    private static final Field<History, String> COMMENT =
        Field.of("comment", JsonForm.TEXT, History::comment);
    private static final Field<History, Boolean> EMPTY_LAYER =
        Field.of("empty_layer", JsonForm.BOOLEAN, History::emptyLayer);

    static final JsonForm<History> JSON =
        JsonRecord.of(
            json ->
                new History(
                    json.get(CREATED),
                    json.get(CREATED_BY),
                    json.get(AUTHOR),
                    json.get(COMMENT),
                    json.get(EMPTY_LAYER)),
            CREATED,
            CREATED_BY,
            AUTHOR,
            COMMENT,
            EMPTY_LAYER);
  }

  /** What a container of the image runs with; field names are the JSON's. */
  public record ContainerConfig(
      @Nullable String user,
      @Nullable Map<String, Map<String, String>> exposedPorts,
      @Nullable List<String> env,
      @Nullable List<String> entrypoint,
      @Nullable List<String> cmd,
      @Nullable Healthcheck healthcheck,
      @Nullable Boolean argsEscaped,
      @Nullable Map<String, Map<String, String>> volumes,
      @Nullable String workingDir,
      @Nullable Map<String, String> labels,
      @Nullable List<String> onBuild,
      @Nullable String stopSignal,
      @Nullable List<String> shell) {
    private static final Field<ContainerConfig, String> USER =
        Field.of("User", JsonForm.TEXT, ContainerConfig::user);
    private static final Field<ContainerConfig, Map<String, Map<String, String>>> EXPOSED_PORTS =
        Field.of("ExposedPorts", JsonForm.map(JsonForm.TEXT_MAP), ContainerConfig::exposedPorts);
    private static final Field<ContainerConfig, List<String>> ENV =
        Field.of("Env", JsonForm.TEXTS, ContainerConfig::env);
    private static final Field<ContainerConfig, List<String>> ENTRYPOINT =
        Field.of("Entrypoint", JsonForm.TEXTS, ContainerConfig::entrypoint);
    private static final Field<ContainerConfig, List<String>> CMD =
        Field.of("Cmd", JsonForm.TEXTS, ContainerConfig::cmd);
    private static final Field<ContainerConfig, Healthcheck> HEALTHCHECK =
        Field.of("Healthcheck", Healthcheck.JSON, ContainerConfig::healthcheck);
    private static final Field<ContainerConfig, Boolean> ARGS_ESCAPED =
        Field.of("ArgsEscaped", JsonForm.BOOLEAN, ContainerConfig::argsEscaped);
    private static final Field<ContainerConfig, Map<String, Map<String, String>>> VOLUMES =
        Field.of("Volumes", JsonForm.map(JsonForm.TEXT_MAP), ContainerConfig::volumes);
    private static final Field<ContainerConfig, String> WORKING_DIR =
        Field.of("WorkingDir", JsonForm.TEXT, ContainerConfig::workingDir);
    private static final Field<ContainerConfig, Map<String, String>> LABELS =
        Field.of("Labels", JsonForm.TEXT_MAP, ContainerConfig::labels);
    private static final Field<ContainerConfig, List<String>> ON_BUILD =
        Field.of("OnBuild", JsonForm.TEXTS, ContainerConfig::onBuild);
    private static final Field<ContainerConfig, String> STOP_SIGNAL =
        Field.of("StopSignal", JsonForm.TEXT, ContainerConfig::stopSignal);
    private static final Field<ContainerConfig, List<String>> SHELL =
        Field.of("Shell", JsonForm.TEXTS, ContainerConfig::shell);

    static final JsonForm<ContainerConfig> JSON =
        JsonRecord.of(
            json ->
                new ContainerConfig(
                    json.get(USER),
                    json.get(EXPOSED_PORTS),
                    json.get(ENV),
                    json.get(ENTRYPOINT),
                    json.get(CMD),
                    json.get(HEALTHCHECK),
                    json.get(ARGS_ESCAPED),
                    json.get(VOLUMES),
                    json.get(WORKING_DIR),
                    json.get(LABELS),
                    json.get(ON_BUILD),
                    json.get(STOP_SIGNAL),
                    json.get(SHELL)),
            USER,
            EXPOSED_PORTS,
            ENV,
            ENTRYPOINT,
            CMD,
            HEALTHCHECK,
            ARGS_ESCAPED,
            VOLUMES,
            WORKING_DIR,
            LABELS,
            ON_BUILD,
            STOP_SIGNAL,
            SHELL);

    public static ContainerConfig empty() {
      return new ContainerConfig(
          null, null, null, null, null, null, null, null, null, null, null, null, null);
    }
  }

  /** Docker's health check; durations in nanoseconds. */
  public record Healthcheck(
      @Nullable List<String> test,
      @Nullable Long interval,
      @Nullable Long timeout,
      @Nullable Long startPeriod,
      @Nullable Long startInterval,
      @Nullable Integer retries) {
    private static final Field<Healthcheck, List<String>> TEST =
        Field.of("Test", JsonForm.TEXTS, Healthcheck::test);
    private static final Field<Healthcheck, Long> INTERVAL =
        Field.of("Interval", JsonForm.LONG, Healthcheck::interval);
    private static final Field<Healthcheck, Long> TIMEOUT =
        Field.of("Timeout", JsonForm.LONG, Healthcheck::timeout);
    private static final Field<Healthcheck, Long> START_PERIOD =
        Field.of("StartPeriod", JsonForm.LONG, Healthcheck::startPeriod);
    private static final Field<Healthcheck, Long> START_INTERVAL =
        Field.of("StartInterval", JsonForm.LONG, Healthcheck::startInterval);
    private static final Field<Healthcheck, Integer> RETRIES =
        Field.of("Retries", JsonForm.INTEGER, Healthcheck::retries);

    static final JsonForm<Healthcheck> JSON =
        JsonRecord.of(
            json ->
                new Healthcheck(
                    json.get(TEST),
                    json.get(INTERVAL),
                    json.get(TIMEOUT),
                    json.get(START_PERIOD),
                    json.get(START_INTERVAL),
                    json.get(RETRIES)),
            TEST,
            INTERVAL,
            TIMEOUT,
            START_PERIOD,
            START_INTERVAL,
            RETRIES);
  }

  /** The same image, said to be for another platform. */
  public ImageConfig withPlatform(Platform platform) {
    return new ImageConfig(
        created,
        author,
        platform.architecture(),
        platform.variant(),
        platform.os(),
        platform.osVersion(),
        platform.osFeatures(),
        config,
        rootfs,
        history);
  }

  public Platform platform() {
    return new Platform(architecture, os, osVersion, osFeatures, variant);
  }
}

package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.BuildArg;
import build.kiln.api.v1alpha1.ImageBuildSpec.BuildSecret;
import build.kiln.api.v1alpha1.ImageBuildSpec.Cache;
import build.kiln.api.v1alpha1.ImageBuildSpec.ConfigMapKey;
import build.kiln.api.v1alpha1.ImageBuildSpec.GitSource;
import build.kiln.api.v1alpha1.ImageBuildSpec.SecretName;
import build.kiln.api.v1alpha1.ImageBuildSpec.Source;
import build.kiln.api.v1alpha1.ImageBuildSpec.SshKey;
import build.kiln.api.v1alpha1.ImageBuildSpec.VolumeCache;
import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.build.BuildSecrets;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.ConfigMapContext;
import build.kiln.runtime.context.GitAccess;
import build.kiln.runtime.context.GitContext;
import build.kiln.runtime.context.InlineContext;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.ProxySettings;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.ssh.AgentSource;
import build.kiln.runtime.ssh.KeyAgent;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where an order's things are on this machine.
 *
 * @param secrets laid out as {@link BuilderPaths} says
 * @param configMaps a folder a ConfigMap
 * @param store the local store's folder
 * @param volume where the volume of {@code cache.volume} is mounted; null at a desk
 * @param desk what the user's own environment adds; null in a pod
 */
record OrderPlaces(
    Path secrets, Path configMaps, Path store, @Nullable Path volume, @Nullable Desk desk) {
  /** How to set the engine up for an order. */
  Engine.Setup setup(WorkOrder order) throws BuildException {
    WorkOrder.Settings settings = order.settings();
    Path onVolume = cacheVolume(order.resource().getSpec()).isPresent() ? volume : null;
    return new Engine.Setup(
        onVolume == null ? store : onVolume.resolve("store"),
        onVolume == null ? null : store.resolveSibling("work"),
        registryConfig(settings),
        credentials(order.resource().getSpec()),
        gitOfAdd(settings),
        order.resolved().isolation(),
        desk != null,
        Patterns.allowing(settings.allowedBases()));
  }

  /** How an installation's registries are reached. */
  static RegistryConfig registryConfig(WorkOrder.Settings settings) {
    var registry = RegistryConfig.builder().userAgent(Version.text().replace(' ', '/'));
    Optional.ofNullable(settings.mirrors()).orElse(Map.of()).forEach(registry::mirrors);
    registry.insecureHosts(Optional.ofNullable(settings.insecureRegistries()).orElse(List.of()));
    registry.caDirectory(certificates(settings));
    registry.proxies(proxies(settings));
    return registry.build();
  }

  /** The volume that an ImageBuild wants its cache on. */
  static Optional<VolumeCache> cacheVolume(ImageBuildSpec spec) {
    return Optional.ofNullable(spec.cache()).filter(cache -> !cache.disabled()).map(Cache::volume);
  }

  private static @Nullable Path certificates(WorkOrder.Settings settings) {
    return settings.caDirectory() == null ? null : Path.of(settings.caDirectory());
  }

  private static ProxySettings proxies(WorkOrder.Settings settings) {
    return ProxySettings.from(Optional.ofNullable(settings.proxies()).orElse(Map.of()));
  }

  /**
   * The logins of the Secrets that the build names, the push's first, then the cache's; last the
   * user's own.
   */
  private Credentials credentials(ImageBuildSpec spec) throws BuildException {
    Set<String> names = new LinkedHashSet<>();
    if (spec.output().secretRef() != null) {
      names.add(spec.output().secretRef().name());
    }
    Optional.ofNullable(spec.cache())
        .flatMap(cache -> Optional.ofNullable(cache.registry()))
        .flatMap(registry -> Optional.ofNullable(registry.secretRef()))
        .ifPresent(secret -> names.add(secret.name()));
    Optional.ofNullable(spec.registrySecrets()).orElse(List.of()).stream()
        .map(SecretName::name)
        .forEach(names::add);
    try {
      return new SecretFiles(secrets).logins(names, desk);
    } catch (NoSuchFileException e) {
      throw new BuildException(FailureReason.SecretNotFound, String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * The build files that a source names.
   *
   * @param field of the source, for messages
   * @param pinned the commit to take; null for what the revision means now
   */
  BuildContext openContext(
      Source source,
      String field,
      @Nullable String pinned,
      LocalStore localStore,
      WorkOrder.Settings settings)
      throws BuildException {
    try {
      if (source.git() != null) {
        GitAccess access = gitAccess(source.git(), field, settings);
        return GitContext.fetch(source.git(), pinned, access, localStore.scratch("git"))
            .dated(BuildContext.FIXED_TIME);
      }
      if (source.configMap() != null) {
        return ConfigMapContext.open(
            source.configMap(), configMaps.resolve(source.configMap().name()));
      }
      return InlineContext.of(Optional.ofNullable(source.inline()).orElse(List.of()));
    } catch (IOException e) {
      throw BuildException.of("get the build files", e);
    }
  }

  /**
   * The values of build arguments.
   *
   * @param resolved those that come from elsewhere; null if they are to be looked up here
   * @throws BuildException SourceNotFound if one is not there
   */
  Map<String, String> buildArgs(ImageBuildSpec spec, @Nullable Map<String, String> resolved)
      throws BuildException {
    Map<String, String> values = new LinkedHashMap<>();
    for (BuildArg arg : Optional.ofNullable(spec.buildArgs()).orElse(List.of())) {
      String value = resolved == null ? null : resolved.get(arg.name());
      if (value == null) {
        value = arg.valueFrom() == null ? arg.value() : value(arg.valueFrom().configMapKeyRef());
      }
      values.put(arg.name(), value);
    }
    return values;
  }

  private String value(ConfigMapKey reference) throws BuildException {
    Path file = configMaps.resolve(reference.name()).resolve(reference.key());
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new BuildException(
          FailureReason.SourceNotFound,
          "the ConfigMap \"%s\" of buildArgs has no key %s, or is not there (looked for %s)"
              .formatted(reference.name(), reference.key(), file),
          e);
    } catch (CharacterCodingException e) {
      throw new BuildException(
          FailureReason.SpecInvalid,
          "the key %s of the ConfigMap \"%s\" is no text in UTF-8: no build argument can have its value"
              .formatted(reference.key(), reference.name()),
          e);
    } catch (IOException e) {
      throw BuildException.of("read the build argument's value " + file, e);
    }
  }

  /**
   * What steps may mount.
   *
   * @throws BuildException SecretNotFound if a file is not there
   */
  BuildSecrets buildSecrets(ImageBuildSpec spec) throws BuildException {
    Map<String, BuildSecrets.Source> sources = new HashMap<>();
    for (BuildSecret secret : Optional.ofNullable(spec.secrets()).orElse(List.of())) {
      Path file = file(secret.secretRef().name(), secret.key());
      sources.put(secret.id(), BuildSecrets.ofFile(secret.id(), file));
    }
    return BuildSecrets.of(sources).withAgents(agents(spec));
  }

  private Map<String, AgentSource> agents(ImageBuildSpec spec) throws BuildException {
    Map<String, AgentSource> agents = new HashMap<>();
    for (SshKey key : Optional.ofNullable(spec.ssh()).orElse(List.of())) {
      try {
        agents.put(key.id(), KeyAgent.ofFiles(List.of(file(key.secretRef().name(), key.key()))));
      } catch (IOException e) {
        throw new BuildException(
            FailureReason.SpecInvalid,
            "spec.ssh: the Secret \"%s\" is of no use: %s"
                .formatted(key.secretRef().name(), e.getMessage()),
            e);
      }
    }
    return agents;
  }

  /** A key of a Secret that steps may use. */
  private Path file(String secret, String key) throws BuildException {
    try {
      return new SecretFiles(secrets).key(BuilderPaths.SECRETS_BUILD, secret, key);
    } catch (NoSuchFileException e) {
      throw new BuildException(FailureReason.SecretNotFound, String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * For repositories that a Dockerfile names: never the source's Secret, which would then go
   * wherever a Dockerfile says.
   */
  private GitAccess gitOfAdd(WorkOrder.Settings settings) {
    GitAccess access =
        GitAccess.anonymous()
            .withCaDirectory(certificates(settings))
            .withProxies(proxies(settings));
    return desk == null ? access : access.withSshFolder(desk.sshFolder());
  }

  private GitAccess gitAccess(GitSource git, String field, WorkOrder.Settings settings)
      throws BuildException {
    if (git.secretRef() == null) {
      return gitOfAdd(settings);
    }
    Path folder = secrets.resolve(BuilderPaths.SECRETS_GIT).resolve(git.secretRef().name());
    if (!Files.isDirectory(folder)) {
      throw new BuildException(
          FailureReason.SecretNotFound,
          "the Secret \"%s\" of %s.git is not there (looked for %s)"
              .formatted(git.secretRef().name(), field, folder));
    }
    return gitOfAdd(settings).withSecret(folder).withSshFolder(null);
  }
}

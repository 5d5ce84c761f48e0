package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImageBuildSpec.SecretName;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorSpec.KeyRef;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.MirrorOutcome;
import build.kiln.api.work.MirrorReport;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.mirror.Bandwidth;
import build.kiln.runtime.mirror.CosignVerifier;
import build.kiln.runtime.mirror.ImageVerifier;
import build.kiln.runtime.mirror.MirrorListener;
import build.kiln.runtime.mirror.MirrorResult;
import build.kiln.runtime.mirror.MirrorRun;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.Sleeper;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Carries out the order of a mirror, in a pod and at a desk. */
final class MirrorOrderRun {
  private final ObjectMeta metadata;
  private final ImageMirrorSpec spec;
  private final WorkOrder.Settings settings;
  private final SecretFiles secrets;
  private final @Nullable Desk desk;
  private final MirrorListener listener;

  /**
   * @param desk what the user's own environment adds; null in a pod
   */
  MirrorOrderRun(
      ObjectMeta metadata,
      ImageMirrorSpec spec,
      WorkOrder.Settings settings,
      Path secrets,
      @Nullable Desk desk,
      MirrorListener listener) {
    this.metadata = metadata;
    this.spec = spec;
    this.settings = settings;
    this.secrets = new SecretFiles(secrets);
    this.desk = desk;
    this.listener = listener;
  }

  /** Does it, and tells how it went; whatever goes wrong is part of the report. */
  MirrorReport run() {
    RegistryConfig config = OrderPlaces.registryConfig(settings);
    try (RegistryClient source = client(config, spec.source().secretRef());
        RegistryClient destination = client(config, spec.destination().secretRef())) {
      var run =
          new MirrorRun(
              spec,
              identity(metadata),
              source,
              destination,
              verifier(spec, source),
              bandwidth(spec.bandwidth()),
              Patterns.allowing(settings.allowedOutputs()),
              listener);
      try {
        return report(run.run(), Optional.empty());
      } catch (InterruptedIOException e) {
        return report(run.result(), Optional.of("it was told to stop before it was done"));
      }
    } catch (NoSuchFileException e) {
      return failed(MirrorFailureReason.SecretNotFound, e.getMessage());
    } catch (IllegalArgumentException e) {
      return failed(MirrorFailureReason.SpecInvalid, e.getMessage());
    } catch (IOException e) {
      return failed(MirrorFailureReason.Infrastructure, e.getMessage());
    }
  }

  private RegistryClient client(RegistryConfig config, @Nullable SecretName secret)
      throws NoSuchFileException {
    Credentials credentials =
        secrets.logins(secret == null ? List.of() : List.of(secret.name()), desk);
    return new RegistryClient(config, credentials);
  }

  /**
   * A resource that is made anew by the same name is another in a cluster; a desk knows no UIDs.
   */
  private static String identity(ObjectMeta metadata) {
    return metadata.getUid() != null
        ? metadata.getUid()
        : Objects.requireNonNullElse(metadata.getNamespace(), "") + "/" + metadata.getName();
  }

  private Optional<ImageVerifier> verifier(ImageMirrorSpec spec, RegistryClient source)
      throws IOException {
    if (spec.verify() == null) {
      return Optional.empty();
    }
    KeyRef key = spec.verify().publicKeyRef();
    Path file = secrets.key(BuilderPaths.SECRETS_KEYS, key.name(), key.key());
    try {
      String pem = Files.readString(file);
      return Optional.of(new CosignVerifier(source, CosignVerifier.keys(pem)));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "verify.publicKeyRef: the Secret \"%s\", key %s: %s"
              .formatted(key.name(), key.key(), e.getMessage()),
          e);
    }
  }

  private static Bandwidth bandwidth(@Nullable Quantity quantity) {
    return quantity == null
        ? Bandwidth.UNLIMITED
        : new Bandwidth(
            Math.max(1, quantity.getNumericalAmount().longValue()),
            System::nanoTime,
            Sleeper.system());
  }

  private static MirrorReport report(MirrorResult result, Optional<String> stopped) {
    Optional<MirrorFailureReason> reason =
        stopped.isPresent() ? Optional.of(MirrorFailureReason.Infrastructure) : result.reason();
    String message =
        stopped.orElseGet(
            () ->
                reason.isEmpty()
                    ? null
                    : result.failed() == 1
                        ? result.shown().getFirst().message()
                        : "%d of %d images were not mirrored, such as: %s"
                            .formatted(
                                result.failed(),
                                result.observed(),
                                result.shown().getFirst().message()));
    return new MirrorReport(
        new MirrorOutcome(
            reason.isEmpty(),
            reason.orElse(null),
            message,
            stopped.isPresent() || result.retryable(),
            result.observed(),
            result.copied(),
            result.upToDate(),
            result.deleted(),
            result.failed(),
            result.copiedBytes(),
            result.mountedBytes()),
        result.shown(),
        Timings.peakMemory());
  }

  private static MirrorReport failed(MirrorFailureReason reason, @Nullable String message) {
    return new MirrorReport(
        new MirrorOutcome(false, reason, message, reason.retryable(), 0, 0, 0, 0, 0, 0, 0),
        List.of(),
        Timings.peakMemory());
  }

  static ExitCode exitCode(MirrorOutcome outcome) {
    if (outcome.succeeded()) {
      return ExitCode.OK;
    }
    if (outcome.reason() == MirrorFailureReason.SpecInvalid && outcome.observed() == 0) {
      return ExitCode.USAGE;
    }
    return outcome.retryable() ? ExitCode.INFRASTRUCTURE : ExitCode.USER;
  }
}

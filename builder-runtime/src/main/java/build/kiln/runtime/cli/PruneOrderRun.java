package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.SecretRef;
import build.kiln.api.v1alpha1.PruneFailureReason;
import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.PruneOrder;
import build.kiln.api.work.PruneOutcome;
import build.kiln.api.work.PruneReport;
import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.prune.ReportFile;
import build.kiln.runtime.registry.HttpFiles;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Carries out the order of a prune policy, in a pod and at a desk. */
final class PruneOrderRun {
  private final PruneOrder order;
  private final SecretFiles secrets;
  private final @Nullable Desk desk;
  private final PrunePlaces places;

  /**
   * @param desk what the user's own environment adds; null in a pod
   */
  PruneOrderRun(PruneOrder order, Path secrets, @Nullable Desk desk, PrunePlaces places) {
    this.order = order;
    this.secrets = new SecretFiles(secrets);
    this.desk = desk;
    this.places = places;
  }

  /** Does it, and tells how it went; whatever goes wrong is part of the report. */
  PruneReport run() {
    ImagePrunePolicySpec spec = order.resource().getSpec();
    String name = order.resource().getMetadata().getName();
    try (RegistryClient client = client(name, spec)) {
      PolicyRun run = new PolicyRun(name, spec, places.tools(client));
      PolicyRun.Ended ended = run.run(order.approved());
      PruneResult result = new PruneResult(ended, spec.dryRun());
      places.show(ended);
      try {
        return result.report(deliver(ReportFile.of(order.run(), ended), client));
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        return result.withoutReport(String.valueOf(e.getMessage()));
      }
    } catch (NoSuchFileException e) {
      return failed(PruneFailureReason.SecretNotFound, e);
    } catch (PruneException e) {
      return failed(reason(e.code()), e);
    } catch (RegistryException e) {
      return failed(PruneFailureReason.RegistryUnavailable, e);
    } catch (IOException e) {
      return failed(PruneFailureReason.Infrastructure, e);
    }
  }

  /** Without mirrors: what a mirror has says nothing of its registry. */
  private RegistryClient client(String name, ImagePrunePolicySpec spec) throws IOException {
    RegistryConfig config = OrderPlaces.registryConfig(order.settings().withoutMirrors());
    return new RegistryClient(config, PruneLogins.of(name, spec, secrets, desk));
  }

  /** Where the whole report went. */
  private @Nullable String deliver(ReportFile report, RegistryClient client) throws IOException {
    ImagePrunePolicySpec spec = order.resource().getSpec();
    ImagePrunePolicySpec.Report to = spec.report();
    if (to == null) {
      return places.keep(report);
    }
    String url =
        to.url()
            .replace("{policy}", order.resource().getMetadata().getName())
            .replace("{run}", Long.toString(order.run()));
    SecretRef secret = to.secretRef();
    Optional<String> authorization =
        secret == null
            ? Optional.empty()
            : Optional.of(secrets.authorization(BuilderPaths.SECRETS_REPORT, secret.name()));
    client.files().put(HttpFiles.parse(url), "application/json", report.write(), authorization);
    return url;
  }

  private PruneReport failed(PruneFailureReason reason, IOException e) {
    return new PruneReport(
        PruneOutcome.failed(reason, e.getMessage(), order.resource().getSpec().dryRun()),
        List.of(),
        List.of(),
        null,
        List.of(),
        Timings.peakMemory());
  }

  private static PruneFailureReason reason(PruneException.Code code) {
    return switch (code) {
      case POLICY_INVALID, INPUT_INVALID -> PruneFailureReason.SpecInvalid;
      case LEDGER_INVALID -> PruneFailureReason.LedgerInvalid;
      case LEDGER_BUSY -> PruneFailureReason.LedgerBusy;
      case REGISTRY_INCONSISTENT -> PruneFailureReason.RepositoryUnreadable;
    };
  }

  static ExitCode exitCode(PruneOutcome outcome) {
    if (outcome.succeeded()) {
      return ExitCode.OK;
    }
    if (outcome.reason() == PruneFailureReason.SpecInvalid) {
      return ExitCode.USAGE;
    }
    return outcome.retryable() ? ExitCode.INFRASTRUCTURE : ExitCode.USER;
  }
}

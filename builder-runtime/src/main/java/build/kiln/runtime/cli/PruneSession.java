package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.work.ExitCode;
import build.kiln.runtime.cli.manifest.ManifestException;
import build.kiln.runtime.cli.manifest.PolicyFile;
import build.kiln.runtime.prune.InUse;
import build.kiln.runtime.prune.KubernetesUses.Source;
import build.kiln.runtime.prune.LedgerBook;
import build.kiln.runtime.prune.Plan;
import build.kiln.runtime.prune.PolicyReader;
import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What planning and applying have in common: a policy, what is in use, the ledger. */
final class PruneSession {
  @Mixin private PruneUseOptions places = new PruneUseOptions();

  @Option(
      names = "--insecure-registry",
      paramLabel = "HOST[:PORT]",
      description = "A registry that speaks HTTP, or TLS that is not verified.")
  private List<String> insecure = new ArrayList<>();

  /** A policy that was read. */
  record Policy(String name, ImagePrunePolicySpec spec, List<Source> sources) {}

  static Policy policy(Path file, byte[] bytes) throws CommandFailure {
    try {
      ImagePrunePolicy policy = PolicyFile.read(file.toString(), bytes);
      ImagePrunePolicySpec spec = policy.getSpec();
      String name = policy.getMetadata().getName();
      PolicyReader.read(name, spec);
      return new Policy(name, spec, PolicyReader.sources(spec));
    } catch (ManifestException e) {
      throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    } catch (PruneException e) {
      throw new CommandFailure(ExitCode.USAGE, file + ": " + e.getMessage(), e);
    }
  }

  Path state() {
    return places.state();
  }

  LedgerBook book() throws IOException {
    return places.book();
  }

  /** Without mirrors: what a mirror has says nothing of its registry. */
  RegistryClient client() {
    Desk desk = Desk.ofThisProcess();
    return new RegistryClient(desk.registry(insecure), desk.credentials());
  }

  /** As {@link PruneUseOptions#inUse}. */
  InUse inUse(List<Source> sources, boolean wanted) throws CommandFailure {
    return places.inUse(sources, wanted);
  }

  Plan plan(Policy policy, RegistryClient client) throws CommandFailure, IOException {
    InUse uses = places.inUse(policy.sources, policy.spec.protect().inUse());
    return new PolicyRun(policy.name, policy.spec, places.tools(client, () -> uses, o -> {}))
        .plan();
  }

  static CommandFailure failure(IOException e) {
    boolean user =
        switch (e) {
          case RegistryException r -> !r.retryable();
          case PruneException p ->
              p.code() == PruneException.Code.POLICY_INVALID
                  || p.code() == PruneException.Code.INPUT_INVALID;
          default -> false;
        };
    return user
        ? new CommandFailure(ExitCode.USER, String.valueOf(e.getMessage()), e)
        : CommandFailure.infrastructure(e);
  }

  Optional<Path> reports() {
    return Optional.of(state().resolve("reports")).filter(Files::isDirectory);
  }
}

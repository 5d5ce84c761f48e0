package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.work.ExitCode;
import build.kiln.runtime.cli.manifest.ManifestException;
import build.kiln.runtime.cli.manifest.PolicyFile;
import build.kiln.runtime.prune.KubernetesUses.Source;
import build.kiln.runtime.prune.LedgerBook;
import build.kiln.runtime.prune.PlanFile;
import build.kiln.runtime.prune.PlanInput;
import build.kiln.runtime.prune.PolicyReader;
import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.prune.RunReport;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** What planning and applying have in common: a policy, what is in use, the ledger. */
final class PruneSession {
  private final PruneUseOptions places = new PruneUseOptions();
  private List<String> insecure = List.of();

  /** Adds these options. */
  void syntax(Syntax syntax) {
    places.syntax(syntax);
    syntax.insecureRegistries(values -> insecure = values);
  }

  /** A policy that was read. */
  record Policy(String name, ImagePrunePolicySpec spec, List<Source> sources) {}

  static Policy policy(Path file, byte[] bytes) throws CommandFailure {
    try {
      ImagePrunePolicy policy = PolicyFile.read(file.toString(), bytes);
      return policy(file.toString(), policy.getMetadata().getName(), policy.getSpec());
    } catch (ManifestException e) {
      throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }

  private static Policy policy(String file, String name, ImagePrunePolicySpec spec)
      throws CommandFailure {
    try {
      PolicyReader.read(name, spec);
      return new Policy(name, spec, PolicyReader.sources(spec));
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

  /** A policy with what is in use, which it asks again before deletions. */
  PolicyRun run(Policy policy, RegistryClient client, Consumer<RunReport.Outcome> listener)
      throws CommandFailure, IOException {
    DeskUse use = places.use(policy.sources, policy.spec.protect().inUse());
    return new PolicyRun(policy.name, policy.spec, places.tools(client, use, listener));
  }

  /** As {@link PruneUseOptions#input}. */
  PlanInput input(Policy policy) throws CommandFailure {
    return places.input(policy.spec);
  }

  /**
   * The policy that a plan was made of.
   *
   * @throws CommandFailure of USAGE if it does not say, or what it was made with is not given now
   */
  Policy policy(String file, PlanFile plan) throws CommandFailure {
    PlanInput input = plan.input();
    if (input == null) {
      throw CommandFailure.usage(
          file + " does not say what it was made of: write it with kiln prune plan -o json");
    }
    places.mustKnow(input);
    return policy(file, plan.policy(), input.spec());
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

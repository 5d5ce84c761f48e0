package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.work.ExitCode;
import build.kiln.runtime.cli.manifest.ManifestException;
import build.kiln.runtime.cli.manifest.PolicyFile;
import build.kiln.runtime.prune.DirectoryManifestCache;
import build.kiln.runtime.prune.DirectoryShardStore;
import build.kiln.runtime.prune.InUse;
import build.kiln.runtime.prune.KubernetesUses.Source;
import build.kiln.runtime.prune.LedgerBook;
import build.kiln.runtime.prune.MirrorMapping;
import build.kiln.runtime.prune.Plan;
import build.kiln.runtime.prune.PolicyReader;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.prune.PrunePolicy;
import build.kiln.runtime.prune.Repositories;
import build.kiln.runtime.prune.Scanner;
import build.kiln.runtime.prune.UseFile;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What planning and applying have in common: a policy, what is in use, the ledger. */
final class PruneSession {
  @Option(
      names = "--in-use",
      paramLabel = "[CLUSTER=]FILE",
      description =
          "What is needed: the output of kubectl get -o json, or an image reference a line. CLUSTER: a name in registries[].sharedWith.")
  private List<String> inUse = new ArrayList<>();

  @Option(
      names = "--no-in-use",
      description = "Nothing is in use that the policy's rules do not keep anyway.")
  private boolean noInUse;

  @Option(
      names = "--mirror",
      paramLabel = "UPSTREAM=MIRROR",
      description =
          "Two names of the same repositories, such as docker.io=registry.example.com/hub.")
  private Map<String, String> mirrors = Map.of();

  @Option(
      names = "--insecure-registry",
      paramLabel = "HOST[:PORT]",
      description = "A registry that speaks HTTP, or TLS that is not verified.")
  private List<String> insecure = new ArrayList<>();

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description = "Where the ledger and reports are kept, beside the local store if not said.")
  private @Nullable Path state;

  /** A policy that was read. */
  record Policy(ImagePrunePolicySpec spec, PrunePolicy rules, List<Source> sources) {}

  static byte[] bytes(Path file) throws CommandFailure {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.USAGE,
          "cannot read %s: %s"
              .formatted(file, Files.exists(file) ? e.getMessage() : "there is no such file"),
          e);
    }
  }

  static Policy policy(Path file, byte[] bytes) throws CommandFailure {
    try {
      ImagePrunePolicy policy = PolicyFile.read(file.toString(), bytes);
      ImagePrunePolicySpec spec = policy.getSpec();
      String name = policy.getMetadata().getName();
      return new Policy(spec, PolicyReader.read(name, spec), PolicyReader.sources(spec));
    } catch (ManifestException e) {
      throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    } catch (PruneException e) {
      throw new CommandFailure(ExitCode.USAGE, file + ": " + e.getMessage(), e);
    }
  }

  Path state() {
    return state == null ? Desk.ofThisProcess().store().resolveSibling("kiln-prune") : state;
  }

  LedgerBook book() throws IOException {
    return new LedgerBook(new DirectoryShardStore(state().resolve("ledger")));
  }

  /** Without mirrors: what a mirror has says nothing of its registry. */
  RegistryClient client() {
    Desk desk = Desk.ofThisProcess();
    return new RegistryClient(desk.registry(insecure), desk.credentials());
  }

  /**
   * Reads the files again each time.
   *
   * @param wanted whether the policy protects what is in use
   */
  InUse inUse(List<Source> sources, boolean wanted) throws CommandFailure {
    if (wanted && inUse.isEmpty() && !noInUse) {
      throw CommandFailure.usage(
          "what is in use is not known: give it with --in-use FILE, or say --no-in-use");
    }
    InUse all = InUse.NOTHING;
    for (String option : inUse) {
      int equals = option.indexOf('=');
      Path file = Path.of(option.substring(equals + 1));
      try {
        all = all.and(UseFile.read(file.toString(), bytes(file), sources));
      } catch (PruneException e) {
        throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
      }
      if (equals >= 0) {
        all = all.and(cluster(option.substring(0, equals)));
      }
    }
    List<MirrorMapping> mappings =
        mirrors.entrySet().stream().map(e -> new MirrorMapping(e.getKey(), e.getValue())).toList();
    return all.and(new InUse(List.of(), List.of(), List.of(), List.of(), List.of(), mappings));
  }

  private static InUse cluster(String name) {
    return new InUse(List.of(), List.of(), List.of(), List.of(), List.of(name), List.of());
  }

  Plan plan(Policy policy, RegistryClient client) throws CommandFailure, IOException {
    InUse uses = inUse(policy.sources, policy.rules.protection().inUse());
    LedgerBook book = book();
    List<String> patterns =
        policy.spec.registries().stream().flatMap(r -> r.repositories().stream()).toList();
    var repositories = Repositories.find(client, policy.rules, patterns, book.load());
    var cache = new DirectoryManifestCache(state().resolve("manifests"));
    return new Scanner(client, book, cache, Clock.systemUTC())
        .plan(policy.rules, uses, repositories);
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

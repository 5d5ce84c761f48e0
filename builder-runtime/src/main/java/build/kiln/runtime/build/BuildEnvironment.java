package build.kiln.runtime.build;

import build.kiln.runtime.context.GitAccess;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.store.LocalStore;
import java.nio.file.Path;
import java.util.function.Predicate;

/**
 * What builds are made with; owned by the caller, who closes what has to be closed.
 *
 * @param git what Git repositories that ADD names are reached with; without the source's Secret,
 *     which is for the source alone
 * @param scratch a folder for root file systems; short, and on a file system that overlay takes as
 *     upper where that is wanted
 * @param allowedBases which base images the installation allows
 */
public record BuildEnvironment(
    LocalStore store,
    RegistryClient registry,
    GitAccess git,
    SandboxSource sandboxes,
    Path scratch,
    Predicate<Reference> allowedBases) {}

package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Pages.Listing;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** Names, page by page: the tags of a repository (distribution-spec 1.1, end-8), the catalog. */
final class Tags {
  private static final int PAGE = 1000;

  private final Pages pages;
  private final Sites sites;

  Tags(Pages pages, Sites sites) {
    this.pages = pages;
    this.sites = sites;
  }

  /**
   * @param toTheEnd whether to ask for what comes after the last name, unless the registry has
   *     shown that it gives Links: some cut lists without a word
   */
  List<String> list(Reference repository, boolean toTheEnd) throws IOException {
    Endpoint endpoint = sites.upstream(repository);
    Scope scope = Scope.pull(endpoint.repository(repository));
    return names(ofTags(endpoint, repository, scope), "tags", toTheEnd);
  }

  /**
   * The tags, if one answer has them all. The token is to be good for a push as well, which saves
   * another.
   *
   * @return empty if there are more, or the registry does not say; none for a repository that it
   *     does not know
   */
  Optional<Set<String>> inOneAnswer(Reference repository) throws IOException {
    Endpoint endpoint = sites.upstream(repository);
    try {
      return pages
          .only(ofTags(endpoint, repository, Scope.push(endpoint.repository(repository))))
          .filter(document -> document.has("tags"))
          .map(document -> Set.copyOf(names(document, "tags")))
          // A full page may be the first of several; more is all, of those that know no pages.
          .filter(tags -> tags.size() != PAGE);
    } catch (RegistryException e) {
      // A 404 without this may be of a server that knows no lists.
      return e.registryError().filter("NAME_UNKNOWN"::equals).isPresent()
          ? Optional.of(Set.of())
          : Optional.empty();
    }
  }

  private static Listing ofTags(Endpoint endpoint, Reference repository, Scope scope) {
    return new Listing(
        "list the tags of " + repository.name(),
        endpoint,
        repository,
        "/v2/" + endpoint.repository(repository).repository() + "/tags/list?n=" + PAGE,
        List.of(scope),
        false);
  }

  /** Null for a repository that lost its last tag. */
  private static List<String> names(JsonNode document, String field) {
    List<String> names = new ArrayList<>();
    document.path(field).forEach(name -> names.add(name.asText()));
    return names;
  }

  /** Not of the specification: distribution and those like it have it, for who may. */
  List<String> catalog(String registry) throws IOException {
    // Credentials are asked for by repository; what is configured for the host answers any.
    Reference any = new Reference(registry, "catalog", null, null);
    return names(
        new Listing(
            "list the repositories of " + registry,
            sites.upstream(any),
            any,
            "/v2/_catalog?n=" + PAGE,
            List.of(Scope.parse("registry:catalog:*")),
            false),
        "repositories",
        false);
  }

  private List<String> names(Listing listing, String field, boolean toTheEnd) throws IOException {
    Set<String> all = new LinkedHashSet<>();
    var links = new AtomicBoolean();
    pages.visit(
        listing,
        (document, linked) -> {
          List<String> page = names(document, field);
          boolean grew = all.addAll(page);
          // Some registries keep to a page size but say no Link; then the last name goes on.
          boolean full = page.size() == PAGE || (toTheEnd && !links.get());
          links.compareAndSet(false, linked);
          return full && grew
              ? Optional.of(
                  listing.path()
                      + "&last="
                      + URLEncoder.encode(page.getLast(), StandardCharsets.UTF_8))
              : Optional.empty();
        });
    return List.copyOf(all);
  }
}

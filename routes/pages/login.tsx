/** The page for whoever has not signed in. Owns: nothing but this view; it says no more to a stranger than it must. */
import type { JSX } from "preact";
import { Bar } from "./shell.tsx";

/** Props of {@link LoginPage}. */
export interface LoginProps {
  /** Where to go after signing in: a path of this server. */
  next: string;
  /** A code was given and not taken. */
  wrong?: boolean;
}

/** Draws the way in. */
export function LoginPage({ next, wrong = false }: LoginProps): JSX.Element {
  return (
    <>
      <Bar title="Sign in" />
      <main id="weft-main" class="page">
        <section class="empty login">
          <h1>Sign in</h1>
          {wrong && (
            <p class="note bad" role="alert">This code is not valid: a code works once and for ten minutes</p>
          )}
          <p>
            Open the link that <code>weft serve</code>{" "}
            printed in its terminal. It works once; start the server again for another one.
          </p>
          <form action="/login" method="get">
            <label for="weft-code">Or paste the code from that link</label>
            <div class="row">
              <input
                id="weft-code"
                name="code"
                required
                autocomplete="off"
                spellcheck={false}
                maxLength={200}
              />
              <input type="hidden" name="next" value={next} />
              <button type="submit" class="main-button runs">Sign in</button>
            </div>
          </form>
          <p class="hint">
            Already signed in and came here by a link from elsewhere? <a href={next}>Go on</a>
          </p>
        </section>
      </main>
    </>
  );
}

/** The page between the login link and the studio: it goes on by itself, so that the cookie comes along. */
export function WelcomePage({ next }: { next: string }): JSX.Element {
  return (
    <main id="weft-main" class="page">
      <p>
        Signed in. <a href={next}>Go on</a>
      </p>
    </main>
  );
}

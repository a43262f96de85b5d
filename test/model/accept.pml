/* The accept round as a model that was written apart from the code; an independent check, run by `npm run model`.

   One listener, KIDS kids, CLIENTS connections. A step is atomic where the real one is: one line written or read, one
   accept, one look at the queue. Time is not modelled: whatever a timer could do may be done at any moment, also far too
   early, unless that would keep the rest from coming to an end. A kid is slow whenever it is not its turn.

   What can be chosen, with -D:
     KIDS, CLIENTS, SLOTS   how many; one order is for SLOTS connections at most
     ORDERS    so many orders out at once that are not late; 1 is the classic round
     LATE      an order may become late: its listener no longer waits for the answer
     CRASHES   so many kids die by themselves, at any moment: before an accept, after it, while serving
     STUCKS    so many kids stop doing anything, and are killed for not answering
     KILLS     so many kids are killed although they were merely slow
     RESPAWN   who dies is replaced
     PARKS     so many times a connection is parked, which needs no slot until it is resumed
     FOREVER   as often as kids like; they then park and resume only while nobody waits to be ordered, and once while
               an order is on its way
     EVIL      kid 0 says anything at any time, but for the number of the order that it really has
   and what the parent does wrong, to see that the claims notice:
     WAIT=0    orders for what the queue shows, whoever was ordered for it already
     SEQ=0     takes any answer for the answer to its last order
     REAP=0    takes an order back when it kills, not when the kid is dead
     DRY=0     buries a kid without having read its last words
     COUNT=0   forgets the orders that dead kids had not answered
     PATIENT=1 never kills who does not answer
     EXCUSE=0  holds it against a kid that it answers 0 because resumed connections have filled it
   and the kid:
     OWE=0     serves what it has parked before it makes up for an order that it had no slot for
*/
#ifndef KIDS
#define KIDS 2
#endif
#ifndef CLIENTS
#define CLIENTS 3
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef ORDERS
#define ORDERS KIDS
#endif
#ifndef LATE
#define LATE 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef STUCKS
#define STUCKS 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef RESPAWN
#define RESPAWN 1
#endif
#ifndef EVIL
#define EVIL 0
#endif
#ifndef WAIT
#define WAIT 1
#endif
#ifndef SEQ
#define SEQ 1
#endif
#ifndef REAP
#define REAP 1
#endif
#ifndef DRY
#define DRY 1
#endif
#ifndef COUNT
#define COUNT 1
#endif
#ifndef PATIENT
#define PATIENT 0
#endif

#ifndef PARKS
#define PARKS 0
#endif
#ifndef FOREVER
#define FOREVER 0
#endif
#ifndef EXCUSE
#define EXCUSE 1
#endif
#ifndef OWE
#define OWE 1
#endif
#define KEEPS (PARKS || FOREVER)

mtype = { Park, Resume };
mtype = { Idle, Accepted, Done };          /* what a kid says */
mtype = { Boot, Listens, Ordered, Took };  /* how far a kid is */

/* The world as it is. */
byte made, backlog, served, failed;
bool alive[KIDS], stuck[KIDS], evil[KIDS];
mtype at[KIDS];
byte inHand[KIDS];          /* accepted by this kid and not served */
byte untold[KIDS];          /* of these, how many it has not told of */
byte crashes, stucks;
#if KEEPS
byte parked[KIDS], parks;   /* of this kid, without a slot */
bool owes[KIDS];            /* it had no slot for an order: the next is not for its own */
bool crossed[KIDS];         /* it has resumed something while its order was on its way */
#endif

/* The world as the parent has it. */
bool up[KIDS], killed[KIDS], late[KIDS];
byte order[KIDS];           /* the number of the order that is out, or 0 */
byte count[KIDS], held[KIDS];
byte seq, out, promised;    /* orders out that are not late, and the sum of their counts */
byte accepted, done, lost, unanswered, kills;
#if KEEPS
byte keeps[KIDS];           /* parked, as far as was told */
bool excused[KIDS];         /* the order that is out met a kid that resumed connections had filled */
#endif

/* What must never be. */
bool dup;      /* more kids were ordered than connections waited */
bool desync;   /* an accept was believed that never was */
bool wronged;  /* a kid was blamed that had accepted all that it had slots for */

chan cmd[KIDS] = [1] of { byte, byte };          /* number, count */
chan rep[KIDS] = [4] of { mtype, byte, byte };   /* what, number, count */

#define runs(k) (alive[k] && !stuck[k])

/* Connections that a kid will still take for an order that it knows of, or has before it. */
inline toTake(k, sum) {
  if
  :: alive[k] && !late[k] && len(cmd[k]) > 0 -> sum = sum + sent[k]
  :: alive[k] && !late[k] && len(cmd[k]) == 0 && at[k] == Ordered -> sum = sum + taking[k]
  :: else
  fi
}
byte sent[KIDS];            /* the count of the order on its way to a kid */
byte taking[KIDS];          /* of that it has before it */
byte answers[KIDS];         /* and its number */

active proctype Net() {
  do
  :: atomic { made < CLIENTS -> made++; backlog++ }
  :: made == CLIENTS -> break
  od
}

inline die(k) {
  alive[k] = false; stuck[k] = false;
  failed = failed + inHand[k]; inHand[k] = 0;
#if KEEPS
  failed = failed + parked[k]; parked[k] = 0
#endif
}

/* What a kid accepts of an order: no more than wait, nor than it has slots for. */
inline accepts(k) {
  n = (taking[k] < backlog -> taking[k] : backlog);
#if KEEPS
  n = (n < SLOTS - inHand[k] -> n : SLOTS - inHand[k]);
  owes[k] = (OWE && inHand[k] == SLOTS); crossed[k] = false;
#endif
  backlog = backlog - n; inHand[k] = inHand[k] + n; untold[k] = untold[k] + n;
  taking[k] = n; at[k] = Took
}

proctype Kid(byte k) {
  byte n;
end:
  do
  :: atomic { runs(k) && at[k] == Boot && nfull(rep[k]) -> rep[k]!Idle,0,0; at[k] = Listens }
  :: atomic { runs(k) && at[k] == Listens && nempty(cmd[k]) ->
       cmd[k]?answers[k],taking[k]; sent[k] = 0; at[k] = Ordered }
  :: atomic { runs(k) && at[k] == Ordered -> accepts(k) }
  :: atomic { runs(k) && at[k] == Took && nfull(rep[k]) ->
       rep[k]!Accepted,answers[k],taking[k]; taking[k] = 0; answers[k] = 0; at[k] = Listens }
  :: atomic { runs(k) && at[k] != Took && inHand[k] > 0 && nfull(rep[k]) ->
       inHand[k]--; served++; rep[k]!Done,0,1 }
#if KEEPS
  :: atomic { runs(k) && at[k] == Listens && empty(cmd[k]) && inHand[k] > 0 && nfull(rep[k]) &&
       (FOREVER || parks < PARKS) ->
       if :: FOREVER :: else -> parks++ fi;
       inHand[k]--; parked[k]++; rep[k]!Park,0,1 }
  :: atomic { runs(k) && at[k] == Listens && parked[k] > 0 && inHand[k] < SLOTS && !owes[k] && nfull(rep[k]) &&
       (!FOREVER || (nempty(cmd[k]) && !crossed[k]) || backlog <= promised) ->
       crossed[k] = nempty(cmd[k]); parked[k]--; inHand[k]++; rep[k]!Resume,0,1 }
  :: atomic { runs(k) && owes[k] && backlog == 0 -> owes[k] = false }
#endif
  :: atomic { alive[k] && killed[k] -> die(k) }
#if CRASHES
  :: atomic { alive[k] && crashes < CRASHES -> crashes++; die(k) }
#endif
#if STUCKS
  :: atomic { runs(k) && stucks < STUCKS -> stucks++; stuck[k] = true }
#endif
#if EVIL
  :: atomic { evil[k] && runs(k) && nfull(rep[k]) ->
       if
       :: rep[k]!Idle,0,0
       :: rep[k]!Accepted,0,1
       :: rep[k]!Accepted,0,0
       :: seq != order[k] -> rep[k]!Accepted,seq,1
       :: seq != order[k] -> rep[k]!Accepted,seq,0
       :: rep[k]!Accepted,seq+1,1
       :: rep[k]!Done,0,1
       fi }
#endif
  od
}

inline giveBack(k) {
  if
  :: order[k] != 0 && !late[k] -> out--; promised = promised - count[k]
  :: else
  fi;
  order[k] = 0; count[k] = 0; late[k] = false;
#if KEEPS
  excused[k] = false
#endif
}

inline slay(k) {
  killed[k] = true;
#if !REAP
  giveBack(k)
#endif
}

/* A kid is up or wrong, has answered or is wrong, is done or is wrong. */
inline hear(k) {
  rep[k]?what,number,n;
  if
  :: killed[k]
  :: !killed[k] && what == Idle ->
       if :: up[k] -> slay(k) :: else -> up[k] = true fi
  :: !killed[k] && what == Accepted ->
       if
#if SEQ
       :: order[k] == 0 || number != order[k] || n > count[k] -> slay(k)
#else
       :: order[k] == 0 -> slay(k)
#endif
       :: else ->
            if :: n > untold[k] -> desync = true :: else -> untold[k] = untold[k] - n fi;
#if KEEPS
            if
            :: n == 0 && backlog > 0 && !late[k] && !(EXCUSE && excused[k]) -> wronged = true
            :: else
            fi;
#endif
            accepted = accepted + n; held[k] = held[k] + n;
            giveBack(k)
       fi
  :: !killed[k] && what == Done ->
       if
       :: n > held[k] -> slay(k)
       :: else -> held[k] = held[k] - n; done = done + n
       fi
#if KEEPS
  :: !killed[k] && what == Park ->
       if
       :: n > held[k] -> slay(k)
       :: else -> held[k] = held[k] - n; keeps[k] = keeps[k] + n
       fi
  :: !killed[k] && what == Resume ->
       if
       :: n > keeps[k] || held[k] + n > SLOTS -> slay(k)
       :: else ->
            keeps[k] = keeps[k] - n; held[k] = held[k] + n;
            if :: order[k] != 0 && held[k] == SLOTS -> excused[k] = true :: else fi
       fi
#endif
  fi;
  what = Idle; number = 0; n = 0
}

inline bury(k) {
  lost = lost + held[k]; held[k] = 0;
#if KEEPS
  lost = lost + keeps[k]; keeps[k] = 0; owes[k] = false; crossed[k] = false;
#endif
#if COUNT
  unanswered = unanswered + count[k];
#endif
  giveBack(k);
  do :: nempty(rep[k]) -> rep[k]?what,number,n :: empty(rep[k]) -> break od;
  do :: nempty(cmd[k]) -> cmd[k]?number,n :: empty(cmd[k]) -> break od;
  what = Idle; number = 0; n = 0;
  up[k] = false; killed[k] = false; untold[k] = 0; sent[k] = 0; taking[k] = 0; answers[k] = 0;
  at[k] = Boot; evil[k] = false; known[k] = false;
}
bool known[KIDS];           /* in the parent's table */

/* Only who is up, owes no answer and has a free slot is ordered; everything that was said has been heard by then. */
#define mayOrder(k) (known[k] && up[k] && !killed[k] && order[k] == 0 && held[k] < SLOTS)
#define quiet(k) (empty(rep[k]) || killed[k])
#if KIDS == 2
#define allQuiet (quiet(0) && quiet(1))
#define allHeld (held[0] + held[1])
#define allBuried (known[0] == alive[0] && known[1] == alive[1])
#else
#define allQuiet (quiet(0) && quiet(1) && quiet(2))
#define allHeld (held[0] + held[1] + held[2])
#define allBuried (known[0] == alive[0] && known[1] == alive[1] && known[2] == alive[2])
#endif
#if WAIT
#define waiting (backlog - promised)
#else
#define waiting backlog
#endif

inline send(k) {
  n = 0; toTake(0, n); toTake(1, n);
#if KIDS > 2
  toTake(2, n);
#endif
  number = 1;
  do
  :: number < SLOTS - held[k] && number < waiting -> number++
  :: break
  od;
  if :: n + number > backlog -> dup = true :: else fi;
  seq++; order[k] = seq; count[k] = number; out++; promised = promised + number;
  cmd[k]!seq,number; sent[k] = number;
  number = 0; n = 0
}

/* What the parent may do about one kid. Whoever is late or out of patience has been heard before. */
#define turnOf(K) \
  :: atomic { known[K] && nempty(rep[K]) && !killed[K] -> k = K; hear(k); k = 0 } \
  :: atomic { known[K] && !alive[K] && (killed[K] || !DRY || empty(rep[K])) -> k = K; bury(k); k = 0 } \
  :: atomic { RESPAWN && !known[K] -> known[K] = true; alive[K] = true } \
  :: atomic { allQuiet && mayOrder(K) && backlog > 0 && (!WAIT || backlog > promised) && out < ORDERS -> \
       k = K; send(k); k = 0 } \
  :: atomic { LATE && quiet(K) && order[K] != 0 && !late[K] && !killed[K] -> \
       out--; promised = promised - count[K]; late[K] = true } \
  :: atomic { !PATIENT && quiet(K) && known[K] && stuck[K] && !killed[K] && (order[K] != 0 || !up[K]) -> \
       k = K; slay(k); k = 0 } \
  :: atomic { kills < KILLS && quiet(K) && known[K] && order[K] != 0 && !killed[K] -> \
       kills++; k = K; slay(k); k = 0 }

active proctype Parent() {
  byte k, n, number; mtype what = Idle;
  atomic {
    do
    :: k < KIDS ->
         alive[k] = true; known[k] = true; at[k] = Boot; evil[k] = (EVIL && k == 0);
         run Kid(k); k++
    :: k == KIDS -> k = 0; break
    od
  }
end:
  do
  turnOf(0)
  turnOf(1)
#if KIDS > 2
  turnOf(2)
#endif
  od
}

/* No two kids are ordered for one connection; where orders may be late: but for those. */
ltl nodup { [] !dup }
/* Nobody is believed to have accepted what he has not. */
ltl nodes { [] !desync }
/* The counters add up, whoever died when, and every failure is counted once those who died are buried. */
#if KEEPS
#if KIDS == 2
#define allKept (keeps[0] + keeps[1])
#else
#define allKept (keeps[0] + keeps[1] + keeps[2])
#endif
#else
#define allKept 0
#endif
#define adds (accepted == done + allHeld + allKept + lost && (!allBuried || failed <= lost + unanswered))
ltl sums { [] adds }
/* And nobody counts as lost who was served; a killed kid may have served somebody and not been heard. */
ltl exact { [] (lost <= failed) }
ltl safe { [] (!dup && !desync && adds) }
/* No kid is blamed for want of a slot. */
ltl kind { [] !wronged }
/* With weak fairness: who has come is taken from the queue in the end, and where nobody is stuck served. */
ltl taken { <> (made == CLIENTS && backlog == 0) }
ltl ends { <> (made == CLIENTS && served + failed == CLIENTS) }
